"""Looking at all sinks until each shows what it must, or its deadline has passed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.verification.arrival_set import how_many, marks
from createflow.scenarios.verification.observed import Sightings
from createflow.scenarios.verification.sink import WriteSink
from createflow.schemas.clock import Clock

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_SILENCE_S = 5.0
"""So long a sink that does not answer is asked again, at the least."""
_LOOK_S = 60.0
_LOOK_S_PER_WRITE = 0.0005
_LATEST_CHANGE_S = 60.0
"""Writes of unknown outcome that turn up later than this give nobody more time: the search must end."""


@dataclass(frozen=True, slots=True)
class SinkProgress:
    """How far one sink is, to be shown."""

    sink: str
    found: int
    wanted: int
    done: bool


@dataclass(slots=True)
class Searched:
    """One sink, and what became of the search in it."""

    sink: WriteSink
    seen: Sightings
    error: str = ""
    """Why it could not be asked, at the last try."""
    began_at: float = float("-inf")
    """When the last look began."""
    waited_s: float = 0.0
    done: bool = False
    undeclared: bool = False
    """Asking again will not help."""


async def searched(
    writes: Writes,
    sinks: Sequence[WriteSink],
    *,
    clock: Clock,
    on_progress: Callable[[tuple[SinkProgress, ...]], None],
) -> list[Searched]:
    """Look until every sink is complete or out of time.

    The first sink is looked at before the others: its rows tell which resources the writes became. A write of unknown
    outcome that one sink shows is wanted of all of them, and their deadlines count from when it was seen: it may have
    been committed only then.
    """
    states = [Searched(sink, Sightings(writes)) for sink in sinks]
    begun_at = changed_at = clock.monotonic()
    accepted = wanted = marks(writes.outcomes, {Outcome.ACCEPTED})
    unknown = marks(writes.outcomes, {Outcome.UNKNOWN})
    pause_s = _FIRST_PAUSE_S
    while True:
        await _look(states[:1], writes, clock, begun_at)
        await _look(states[1:], writes, clock, begun_at)
        before, wanted = wanted, accepted
        for state in states:
            wanted |= state.seen.present & unknown
        now = clock.monotonic()
        changed = wanted != before and now < begun_at + _LATEST_CHANGE_S
        if changed:
            changed_at = now
        for state in states:
            complete = not state.error and not wanted & ~state.seen.present & ~state.seen.blind
            patience_s = max(state.sink.deadline_s, _SILENCE_S if state.error else 0.0)
            # Whatever its deadline, a look that began before the change says nothing about it.
            in_time = changed or state.began_at < changed_at + patience_s
            state.done = complete or not in_time or state.undeclared
        on_progress(tuple(_progress(state, wanted) for state in states))
        if all(state.done for state in states):
            return states
        next_due = min(changed_at + state.sink.deadline_s for state in states if not state.done)
        await clock.sleep(pause_s if next_due <= now else min(pause_s, next_due - now))
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


async def _look(states: Sequence[Searched], writes: Writes, clock: Clock, begun_at: float) -> None:
    async def once(state: Searched) -> None:
        state.began_at = clock.monotonic()
        try:
            async with asyncio.timeout(_LOOK_S + _LOOK_S_PER_WRITE * len(writes.outcomes)):
                state.seen = await state.sink.look()
            state.error = ""
        except NotDeclared as error:
            state.error, state.undeclared = str(error), True
        except Exception as error:  # noqa: BLE001 - whatever a client library raises, the sink could not be asked
            words = str(error).splitlines()[0] if str(error) else type(error).__name__
            state.error = f"it does not answer: {words}"
        state.waited_s = clock.monotonic() - begun_at

    await asyncio.gather(*(once(state) for state in states if not state.done))


def _progress(state: Searched, wanted: int) -> SinkProgress:
    return SinkProgress(state.sink.name, how_many(state.seen.present & wanted), how_many(wanted), state.done)
