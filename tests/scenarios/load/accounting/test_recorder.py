"""Every arrival is counted once, in its phase and operation."""

import json

import pytest

from createflow.scenarios.load.accounting.ledger import Counters, Ledger, sum_counters
from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.scenarios.load.plan.write_log import Outcome
from createflow.scenarios.load.verdict.report import make_report_ledger
from createflow.schemas.operation import Operation


def _recorder() -> Recorder:
    return Recorder(warmup_s=1.0, end_s=3.0)


def _measured(recorder: Recorder) -> Counters:
    return recorder.ledger.measured[Operation.CREATE]


def test_the_phase_is_decided_by_the_intended_time() -> None:
    """A request that is due in the warm-up stays there, however late its reply comes."""
    recorder = _recorder()
    for arrival in (Arrival(0, 0.9), Arrival(1, 1.0)):
        recorder.record_due(arrival, arrival.due_s)
        recorder.record_reply(arrival, arrival.due_s, 2.5, 201)
    assert (recorder.ledger.warmup[Operation.CREATE].completed, _measured(recorder).completed) == (1, 1)
    assert _measured(recorder).accepted_in_window == 2, "throughput counts replies by when they came"


def test_latency_counts_from_the_intended_time_and_service_from_the_true_one() -> None:
    """Due at 1.0, sent at 1.4, reply at 1.5: 500 ms of response, 100 ms of service, 400 ms of lag."""
    recorder = _recorder()
    recorder.record_due(Arrival(0, 1.0), 1.2)
    recorder.record_reply(Arrival(0, 1.0), 1.4, 1.5, 201)
    for histogram, expected_ms in (
        (_measured(recorder).latencies(), 500),
        (_measured(recorder).service, 100),
        (_measured(recorder).lag, 400),
        (recorder.ledger.pacing, 200),
    ):
        assert histogram.percentiles_ms(0.5)[0] == pytest.approx(expected_ms, rel=0.001)


def test_a_reply_after_the_window_does_not_count_in_the_rate() -> None:
    """The window is fixed: a later reply is in the ledger only."""
    recorder = _recorder()
    recorder.record_due(Arrival(0, 2.9), 2.9)
    recorder.record_reply(Arrival(0, 2.9), 2.9, 3.1, 201)
    assert (_measured(recorder).accepted, _measured(recorder).accepted_in_window) == (1, 0)


def test_each_operation_has_its_own_counters() -> None:
    """A quick read does not make creates look quick."""
    recorder = _recorder()
    read = Arrival(0, 1.0, Operation.READ)
    recorder.record_due(read, 1.0)
    recorder.record_reply(read, 1.0, 1.1, 200)
    assert (recorder.ledger.measured[Operation.READ].completed, _measured(recorder).scheduled) == (1, 0)
    assert recorder.outcomes[0] == Outcome.OTHER, "only creates are looked for afterwards"


def test_every_outcome_is_counted_and_the_ledger_balances() -> None:
    """One arrival of each kind."""
    recorder = _recorder()
    arrivals = [Arrival(k, 1.0 + k / 10) for k in range(8)]
    for arrival in arrivals:
        recorder.record_due(arrival, arrival.due_s)
    recorder.record_reply(arrivals[0], 1.0, 1.1, 201)
    recorder.record_reply(arrivals[1], 1.1, 1.2, 503)
    recorder.record_failure(arrivals[2], 1.2, 1.3, "connection_reset")
    recorder.record_timeout(arrivals[3], 1.3, 2.3)
    recorder.record_unfinished(arrivals[4], 1.4, 3.0)
    recorder.record_not_sent(arrivals[5])
    recorder.record_dropped(arrivals[6])
    recorder.record_failure(arrivals[7], 1.7, 1.7, "connection_refused", maybe_sent=False)
    recorder.ledger.assert_balanced()
    assert make_report_ledger(_measured(recorder)).model_dump() == {
        "scheduled": 8,
        "completed": 2,
        "transport_errors": 2,
        "timeouts": 1,
        "unfinished": 1,
        "not_sent": 1,
        "dropped": 1,
    }
    assert _measured(recorder).latencies().count == 6, "what was sent has a latency, if only a lower bound"
    names = [Outcome(value).name for value in recorder.outcomes]
    unknown, unsent = ["UNKNOWN"] * 3, ["UNSENT"] * 3
    assert names == ["ACCEPTED", "REFUSED", *unknown, *unsent]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "ACCEPTED"), (204, "ACCEPTED"), (302, "UNKNOWN"), (429, "REFUSED"), (500, "REFUSED"), (502, "UNKNOWN"),
     (503, "REFUSED"), (504, "UNKNOWN")],
)  # fmt: skip
def test_the_status_decides_the_outcome_of_a_write(status: int, outcome: str) -> None:
    """The contract says that 500 and 503 have no effect. After a gateway's 502 or 504 the effect is unknown."""
    recorder = _recorder()
    recorder.record_due(Arrival(0, 1.0), 1.0)
    recorder.record_reply(Arrival(0, 1.0), 1.0, 1.1, status)
    assert Outcome(recorder.outcomes[0]).name == outcome


def test_a_lost_arrival_is_an_error() -> None:
    """A ledger that does not balance is a defect of the load engine, and there is no report."""
    recorder = _recorder()
    recorder.record_due(Arrival(0, 1.0), 1.0)
    with pytest.raises(RuntimeError, match="does not balance"):
        recorder.ledger.assert_balanced()


def test_a_ledger_survives_the_wire_and_differences_add_up() -> None:
    """The parent adds up what the workers send; a difference of two states is what came between."""
    recorder = _recorder()
    recorder.record_due(Arrival(0, 1.0), 1.0)
    recorder.record_sent(Arrival(0, 1.0), 1.1)
    recorder.record_reply(Arrival(0, 1.0), 1.1, 1.5, 201)
    early = Ledger.from_wire(json.loads(json.dumps(recorder.ledger.to_wire())))
    recorder.record_due(Arrival(1, 0.5), 0.5)
    recorder.record_reply(Arrival(1, 0.5), 1.1, 1.2, 503)
    late = Ledger.from_wire(json.loads(json.dumps(recorder.ledger.to_wire())))
    between = late.since(early)
    assert dict(sum_counters(between.warmup.values()).statuses) == {503: 1}
    assert between.total().completed == 1
    early.add(between)
    assert early.to_wire() == late.to_wire()
    assert (late.sent, _measured(recorder).sent_in_window) == (1, 1)
