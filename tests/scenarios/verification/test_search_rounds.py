"""How long each sink is read, and what ends the search."""

import pytest

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.verification.observed import Observed
from createflow.scenarios.verification.search_rounds import SinkProgress, SinkSearch, search_sinks
from tests.fake_clock import FakeClock
from tests.scenarios.verification.fakes import FakeSink, writes_of

pytestmark = pytest.mark.anyio
ACCEPTED = writes_of("aaa")


async def search(writes: Writes, clock: FakeClock, *sinks: FakeSink) -> list[SinkSearch]:
    """Run the search without progress."""
    return await search_sinks(writes, sinks, clock=clock, on_progress=lambda _: None)


async def test_a_complete_sink_is_read_once() -> None:
    """The search does not wait for its deadline."""
    clock = FakeClock()
    sink = FakeSink("events", clock, ACCEPTED, lambda _: "111", deadline_s=60)
    (state,) = await search(ACCEPTED, clock, sink)
    assert (len(sink.read_at_s), state.waited_s, state.error) == (1, 0.0, "")


async def test_writes_within_the_deadline_are_found() -> None:
    """The search records how long it took."""
    clock = FakeClock()
    sink = FakeSink("events", clock, ACCEPTED, lambda at_s: "111" if at_s >= 1.5 else "101", deadline_s=2)
    (state,) = await search(ACCEPTED, clock, sink)
    assert state.observed.counts == b"\1\1\1"
    assert 1.5 <= state.waited_s <= 2.0


async def test_a_sink_is_given_up_only_by_a_read_after_its_deadline() -> None:
    """An earlier read could not show what arrived in time."""
    clock = FakeClock()
    sink = FakeSink("events", clock, ACCEPTED, lambda at_s: "111" if at_s > 2.5 else "101", deadline_s=2)
    (state,) = await search(ACCEPTED, clock, sink)
    assert state.observed.counts == b"\1\0\1"
    assert sink.read_at_s[-1] >= 2.0
    assert sink.read_at_s[-2] < 2.0


async def test_each_sink_has_its_own_deadline() -> None:
    """A slow sink does not prolong the search in a fast one."""
    clock = FakeClock()
    quick = FakeSink("replica", clock, ACCEPTED, lambda _: "110", deadline_s=0.5)
    slow = FakeSink("search", clock, ACCEPTED, lambda at_s: "111" if at_s > 4 else "000", deadline_s=5)
    first, second = await search(ACCEPTED, clock, quick, slow)
    assert quick.read_at_s[-1] < 1.0
    assert slow.read_at_s[-1] > 4.0
    assert (first.observed.counts, second.observed.counts) == (b"\1\1\0", b"\1\1\1")


async def test_refused_and_unsent_arrivals_are_not_waited_for() -> None:
    """Only accepted ones must arrive."""
    clock = FakeClock()
    writes = writes_of("ar-ou")
    sink = FakeSink("events", clock, writes, lambda _: "10000", deadline_s=60)
    await search(writes, clock, sink)
    assert len(sink.read_at_s) == 1


async def test_an_unknown_write_in_one_sink_is_wanted_in_all() -> None:
    """It was committed during the search, so the primary is read again."""
    clock = FakeClock()
    writes = writes_of("au")
    primary = FakeSink("primary", clock, writes, lambda at_s: "11" if at_s > 0 else "10")
    events = FakeSink("events", clock, writes, lambda _: "11", deadline_s=2)
    first, second = await search(writes, clock, primary, events)
    assert (first.observed.counts, second.observed.counts) == (b"\1\1", b"\1\1")


async def test_deadlines_count_from_when_an_unknown_write_appeared() -> None:
    """A sink has its whole deadline after the commit."""
    clock = FakeClock()
    writes = writes_of("auu")
    primary = FakeSink("primary", clock, writes, lambda _: "100")
    events = FakeSink("events", clock, writes, lambda at_s: "110" if at_s > 1.8 else "000", deadline_s=2)
    search_index = FakeSink("search", clock, writes, lambda at_s: "110" if at_s > 3.2 else "100", deadline_s=2)
    states = await search(writes, clock, primary, events, search_index)
    assert states[2].observed.counts == b"\1\1\0"
    assert states[0].observed.counts == b"\1\0\0"
    assert primary.read_at_s[-1] > 1.8


async def test_a_sink_that_answers_again_has_no_error() -> None:
    """A connection may be lost for a moment, even for a sink without a deadline."""
    clock = FakeClock()
    sink = FakeSink("primary", clock, ACCEPTED, lambda at_s: "111" if at_s > 1 else "gone")
    (state,) = await search(ACCEPTED, clock, sink)
    assert (state.error, state.observed.counts) == ("", b"\1\1\1")


async def test_a_silent_sink_is_an_error() -> None:
    """It does not count as empty."""
    clock = FakeClock()
    sink = FakeSink("audit", clock, ACCEPTED, lambda _: "connection refused\nstack", deadline_s=1)
    (state,) = await search(ACCEPTED, clock, sink)
    assert state.error == "it does not answer: connection refused"
    assert sink.read_at_s[-1] >= 5


async def test_a_sink_that_cannot_be_read_is_not_read_again() -> None:
    """Another read would not help."""

    class Undeclared(FakeSink):
        async def read(self) -> Observed:
            self.read_at_s.append(0.0)
            raise NotDeclared("the events carry no name")

    clock = FakeClock()
    sink = Undeclared("events", clock, ACCEPTED, str, deadline_s=30)
    (state,) = await search(ACCEPTED, clock, sink)
    assert (len(sink.read_at_s), state.error) == (1, "the events carry no name")


async def test_the_first_sink_is_read_before_the_others() -> None:
    """Its rows have the ids that the others are searched for."""
    clock = FakeClock()
    order: list[str] = []

    def shows(name: str) -> str:
        order.append(name)
        return "111"

    sinks = [
        FakeSink(name, clock, ACCEPTED, lambda _, name=name: shows(name))  # type: ignore[misc]
        for name in ("primary", "audit", "search")
    ]
    await search(ACCEPTED, clock, *sinks)
    assert order[0] == "primary"


async def test_progress_is_shown_after_each_round() -> None:
    """How many of the wanted writes were found, and which sinks are done."""
    clock = FakeClock()
    told: list[tuple[SinkProgress, ...]] = []
    sink = FakeSink("events", clock, ACCEPTED, lambda at_s: "111" if at_s > 0 else "100", deadline_s=2)
    await search_sinks(ACCEPTED, [sink], clock=clock, on_progress=told.append)
    assert told == [(SinkProgress("events", 1, 3, False),), (SinkProgress("events", 3, 3, True),)]


async def test_a_silent_sink_is_read_again_even_if_nothing_is_wanted() -> None:
    """All writes were refused, and it may hold one that should not exist."""
    clock = FakeClock()
    writes = writes_of("rr")
    sink = FakeSink("primary", clock, writes, lambda at_s: "10" if at_s > 1 else "gone")
    (state,) = await search(writes, clock, sink)
    assert (state.error, state.observed.counts) == ("", b"\1\0")
