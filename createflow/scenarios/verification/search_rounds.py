"""Reads all sinks in rounds until each shows every write as it was sent, or its deadline has passed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.failure import reason_of
from createflow.scenarios.verification.observed import ArrivalSet, Observed, count_arrivals, select_arrivals
from createflow.scenarios.verification.write_sinks import WriteSink
from createflow.schemas.clock import Clock

_FIRST_PAUSE_S = 0.1
_MAX_PAUSE_S = 1.0
_MIN_RETRY_S = 5.0
"""A sink that does not answer is tried again for at least this long."""
_READ_TIMEOUT_S = 60.0
_READ_TIMEOUT_S_PER_WRITE = 0.0005
_LATEST_CHANGE_S = 60.0
"""Writes of unknown outcome that appear later than this extend no deadline, because the search must end."""


@dataclass(frozen=True, slots=True)
class SinkProgress:
    """How far the search in one sink is."""

    sink: str
    found: int
    wanted: int
    done: bool


@dataclass(slots=True)
class SinkSearch:
    """One sink, and the state of the search in it."""

    sink: WriteSink
    observed: Observed
    error: str = ""
    """Why the last read failed."""
    read_at_s: float = float("-inf")
    """When the last read started."""
    waited_s: float = 0.0
    done: bool = False
    cannot_be_read: bool = False
    """Reading again will not help."""


async def search_sinks(
    writes: Writes,
    sinks: Sequence[WriteSink],
    *,
    clock: Clock,
    on_progress: Callable[[tuple[SinkProgress, ...]], None],
) -> list[SinkSearch]:
    """Read the sinks until each is complete or its deadline has passed.

    The first sink is read before the others, because its rows have the ids of the resources. If one sink shows a write
    of unknown outcome, all of them must. Their deadlines then count from when it appeared, because it may have been
    committed only then.
    """
    searches = [SinkSearch(sink, Observed(writes)) for sink in sinks]
    started_at = changed_at = clock.monotonic()
    accepted = wanted = select_arrivals(writes.outcomes, {Outcome.ACCEPTED})
    unknown = select_arrivals(writes.outcomes, {Outcome.UNKNOWN})
    pause_s = _FIRST_PAUSE_S
    while True:
        await _read(searches[:1], writes, clock, started_at)
        await _read(searches[1:], writes, clock, started_at)
        before, wanted = wanted, accepted
        for search in searches:
            wanted |= search.observed.present & unknown
        now = clock.monotonic()
        has_changed = wanted != before and now < started_at + _LATEST_CHANGE_S
        if has_changed:
            changed_at = now
        for search in searches:
            observed = search.observed
            is_complete = not search.error and not wanted & (
                (~observed.present & ~observed.unsearchable) | observed.altered
            )
            deadline_s = max(search.sink.deadline_s, _MIN_RETRY_S if search.error else 0.0)
            # A read that started before the change says nothing about it, whatever the deadline.
            in_time = has_changed or search.read_at_s < changed_at + deadline_s
            search.done = is_complete or not in_time or search.cannot_be_read
        on_progress(tuple(_progress(search, wanted) for search in searches))
        if all(search.done for search in searches):
            return searches
        next_due = min(changed_at + search.sink.deadline_s for search in searches if not search.done)
        await clock.sleep(pause_s if next_due <= now else min(pause_s, next_due - now))
        pause_s = min(pause_s * 1.5, _MAX_PAUSE_S)


async def _read(searches: Sequence[SinkSearch], writes: Writes, clock: Clock, started_at: float) -> None:
    async def read_one(search: SinkSearch) -> None:
        search.read_at_s = clock.monotonic()
        try:
            async with asyncio.timeout(_READ_TIMEOUT_S + _READ_TIMEOUT_S_PER_WRITE * len(writes.outcomes)):
                search.observed = await search.sink.read()
            search.error = ""
        except (NotDeclared, Inconclusive) as error:
            search.error, search.cannot_be_read = str(error), True
        except Exception as error:  # noqa: BLE001 - whatever a client library raises, the sink could not be read
            message = reason_of(error)
            search.error = f"it does not answer: {message}"
        search.waited_s = clock.monotonic() - started_at

    await asyncio.gather(*(read_one(search) for search in searches if not search.done))


def _progress(search: SinkSearch, wanted: ArrivalSet) -> SinkProgress:
    found = count_arrivals(search.observed.present & wanted)
    return SinkProgress(search.sink.name, found, count_arrivals(wanted), search.done)
