"""A run second by second, also when messages are lost."""

from dataclasses import replace

from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.accounting.series import Series
from createflow.scenarios.load.plan.messages import NodeState
from createflow.scenarios.load.plan.schedule import Arrival


def _states(index: int = 0) -> list[NodeState]:
    """Three messages of a worker with one reply in the first second, two in the second, none after."""
    recorder = Recorder(warmup_s=0.0, end_s=2.0)
    states = []
    moments = {1: [(0, 0.5, 201)], 2: [(1, 1.2, 201), (2, 1.5, 429)], 3: []}
    for seq, replies in moments.items():
        for k, due_s, status in replies:
            recorder.record_due(Arrival(k, due_s), due_s)
            recorder.record_sent(Arrival(k, due_s), due_s)
            recorder.record_reply(Arrival(k, due_s), due_s, due_s + 0.1, status)
        states.append(
            NodeState(
                index,
                "tick" if seq < 3 else "final",
                seq=seq,
                now_s=seq + 0.003 if seq < 3 else 2.05,
                in_flight=seq,
                cpu_s=0.2 * seq,
                ledger=recorder.ledger.to_wire(),
            )
        )
    return states


def test_seconds_are_differences_of_messages() -> None:
    """Two equal workers: every count is doubled, and 429 and 503 have classes of their own."""
    series = Series()
    for pair in zip(_states(0), _states(1), strict=True):
        for state in pair:
            series.add(state)
    first, second = series.moments({1: {"primary": 3.0}})
    assert (first.offered, first.sent, first.statuses) == (2, 2, {"2xx": 2})
    assert (second.offered, second.statuses) == (4, {"2xx": 2, "429": 2})
    assert (second.t_s, second.in_flight, second.sink_lag_ms) == (1.0, 4, {"primary": 3.0})
    assert 99 < second.p99_ms < 101
    assert (first.accepted_p99_ms, first.refused_p99_ms) == (first.p99_ms, 0.0)
    assert 99 < second.accepted_p99_ms < 101
    assert 99 < second.refused_p99_ms < 101
    assert 0.19 < second.cpu_ratio < 0.21
    assert series.ledger.total().completed == 6


def test_a_lost_message_moves_its_second_into_the_next() -> None:
    """Nothing is lost, because every message is cumulative."""
    series = Series()
    series.add(_states()[1])
    (only,) = series.moments({})
    assert (only.t_s, only.offered) == (1.0, 3)


def test_the_last_seconds_can_be_selected() -> None:
    """A live view does not show an hour."""
    series = Series()
    for state in _states():
        series.add(state)
    assert [moment.t_s for moment in series.moments({}, last=1)] == [1.0]


def test_a_message_before_the_start_is_no_second() -> None:
    """A worker that is ready has not done anything."""
    series = Series()
    series.add(replace(_states()[0], kind="ready"))
    assert series.moments({}) == ()
