"""Where the time of the slowest replies went."""

import pytest

from createflow.scenarios.load.accounting.tail_recorder import TailRow, Times
from createflow.scenarios.load.host.machine_watch import MachineWatch, Reading
from createflow.scenarios.load.verdict.tail import BODY, CONNECT, OTHER, WAIT, WHOLE, find_tail, parts_of
from createflow.scenarios.text import trace_context
from createflow.schemas.load_tail import Tail
from createflow.schemas.operation import Operation

RUN = "0123abcd"


def reply(k: int, took_ms: float, *, sampled: bool = True, times: Times | None = None, **server_ms: float) -> TailRow:
    """A reply to the arrival of this number, due at this tenth of a second and sent at once."""
    due_s = k / 10
    times = times or Times(due_s, due_s, due_s + took_ms / 1000)
    return TailRow(k, Operation.CREATE, 201, times, sampled, server_ms)


def tail_of(slow: list[TailRow], usual: list[TailRow], **changes: object) -> Tail:
    """What is found among 1,000 replies."""
    known = {"replies": 1000, "run_id": RUN, "is_traced": True, "t0_s": 0.0, "watch": None} | changes
    found = find_tail([*slow, *usual], **known)  # type: ignore[arg-type] # of one test each
    assert found is not None
    return found


def slow(count: int = 10, took_ms: float = 100.0, **server_ms: float) -> list[TailRow]:
    """Replies that were kept because they are slow."""
    return [reply(10 * k, took_ms, sampled=False, **server_ms) for k in range(count)]


USUAL = [reply(k, 10.0, db=4.0, auth=1.0) for k in range(100)]


def test_the_part_that_makes_them_slow_comes_first() -> None:
    """With its share of the difference; the parts add to the whole."""
    found = tail_of(slow(db=90.0, auth=1.0), USUAL)
    first, *_ = found.parts
    assert (first.name, first.is_server, first.mean_ms, first.slow_mean_ms) == ("db", True, 4.0, 90.0)
    assert first.excess_ratio == pytest.approx(86 / 90)
    assert sum(part.excess_ratio for part in found.parts) == pytest.approx(1.0)
    assert sum(part.slow_mean_ms for part in found.parts) == pytest.approx(found.slow_mean_ms)
    assert (found.slow, found.slow_ratio, found.sampled) == (10, 0.01, 100)
    assert not found.overlaps


def test_what_no_metric_covers_is_a_part() -> None:
    """A network or a queue in front of the server, for example."""
    found = tail_of(slow(db=4.0, auth=1.0), USUAL)
    assert (found.parts[0].name, found.parts[0].is_server) == (OTHER, False)


def test_without_server_timing_the_time_is_what_is_seen_from_outside() -> None:
    """Connect, until the first byte, and the rest."""
    times = Times(0.0, 0.01, 0.1, 0.02, 0.03)
    parts = parts_of(reply(0, 0.0, times=times), has_server_timing=False)
    assert parts == pytest.approx({WAIT: 10, CONNECT: 20, WHOLE: 40, BODY: 30})
    found = tail_of(slow(), [reply(k, 10.0) for k in range(100)])
    assert (found.has_server_timing, found.parts[0].name) == (False, WHOLE)


def test_metrics_that_are_parts_of_others_are_told() -> None:
    """Their shares add to more than the whole."""
    found = tail_of(slow(total=99.0, db=90.0), USUAL)
    assert found.overlaps


def test_only_the_slowest_hundredth_is_looked_at() -> None:
    """More are kept than that."""
    found = tail_of([*slow(20, 50.0), *[reply(1000 + k, 200.0, sampled=False) for k in range(10)]], USUAL)
    assert (found.slow, found.from_ms) == (10, pytest.approx(200.0))


def test_too_few_replies_say_nothing() -> None:
    """Ten are needed, and a sample."""
    known = {"run_id": RUN, "is_traced": True, "t0_s": 0.0, "watch": None}
    assert find_tail([*slow(9), *USUAL], replies=1000, **known) is None  # type: ignore[arg-type] # as above
    assert find_tail(slow(), replies=1000, **known) is None  # type: ignore[arg-type] # as above
    assert find_tail([], replies=0, **known) is None  # type: ignore[arg-type] # as above


@pytest.mark.parametrize("is_traced", [True, False])
def test_the_slowest_are_listed_with_their_trace(*, is_traced: bool) -> None:
    """Unless the profile sends a trace of its own."""
    found = tail_of([*slow(9, db=90.0), reply(7, 300.0, sampled=False, auth=280.0)], USUAL, is_traced=is_traced)
    first = found.slowest[0]
    assert (first.at_s, first.took_ms, first.part, first.part_ms) == (0.7, pytest.approx(300.0), "auth", 280.0)
    assert first.trace_id == (trace_context.trace_id_of(RUN, 7) if is_traced else "")


def test_slow_replies_whose_times_overlap_are_of_one_stall() -> None:
    """What the machine did then stands beside it."""
    one = [reply(10 + k, 500.0 - 50 * k, sampled=False, db=480.0 - 50 * k) for k in range(8)]
    other = [reply(50, 80.0, sampled=False, auth=70.0), reply(60, 20.0, sampled=False)]
    watch = MachineWatch([Reading(100.9), Reading(101.8, total=20, idle=20, steal=2)])
    found = tail_of([*one, *other], USUAL, t0_s=100.0, watch=watch)
    assert found.stall_count == 2
    first, second = found.stalls
    assert (first.at_s, first.requests, first.part) == (1.0, 8, "db")
    assert first.length_ms == pytest.approx(850.0)
    assert first.meanwhile == ("10% of the CPU went to other virtual machines",)
    assert (second.at_s, second.requests, second.part) == (5.0, 1, "auth")


def test_a_target_that_is_always_slow_has_no_stalls() -> None:
    """They are slow beside the median."""
    found = tail_of(slow(took_ms=300.0), [reply(k, 200.0) for k in range(100)])
    assert found.stall_count == 0


def test_parts_of_a_hostile_target_are_bounded() -> None:
    """Each reply may name others."""
    rows = [reply(10 * k, 100.0, sampled=False, **{f"m{k}_{n}": 0.1 for n in range(64)}) for k in range(10)]
    assert len(tail_of(rows, USUAL).parts) == 24
