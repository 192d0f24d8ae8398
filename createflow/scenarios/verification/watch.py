"""The sinks as the sampler watches them: one sampled create, from its reply until it is seen."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.registry import audit_table, event_stream, replica_tables, search_index
from createflow.scenarios.sinks.sink import EventWatch, Table
from createflow.scenarios.verification.batched_poll import SharedLook
from createflow.scenarios.verification.sample import Sample, Seen
from createflow.schemas.clock import Clock
from createflow.schemas.profile import Profile


class Watch(Protocol):
    """One sink."""

    name: str
    deadline_s: float

    def watching(self) -> AbstractAsyncContextManager[Seen]:
        """Entered before the create is sent, so that nothing can pass unseen."""

    async def open(self) -> Any:
        """Connect."""

    async def close(self) -> None:
        """Leave."""


class RowWatch:
    """A table that is asked again and again, ever more slowly: mostly the first answer is the last."""

    def __init__(self, name: str, deadline_s: float, rows: Table, clock: Clock) -> None:
        self.name = name
        self.deadline_s = deadline_s
        self._rows = rows
        self._clock = clock

    async def open(self) -> None:
        """Connect, so that the first sample does not pay for it."""
        await self._rows.open()

    async def close(self) -> None:
        """Leave."""
        await self._rows.close()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Seen]:
        """Asking does not need to begin before the create."""
        yield self._seen

    async def _seen(self, sample: Sample) -> bool:
        _, in_time = await eventually(
            lambda: self._rows.by_id(sample.resource_id), bool, within_s=self.deadline_s, clock=self._clock
        )
        return in_time


class StreamWatch:
    """The event stream, which pushes."""

    name = "events"

    def __init__(self, deadline_s: float, events: EventWatch) -> None:
        self.deadline_s = deadline_s
        self._events = events

    async def open(self) -> None:
        """Connect."""
        await self._events.open()

    async def close(self) -> None:
        """Leave."""
        await self._events.close()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Seen]:
        """An event that is published before the reply counts as well."""
        async with self._events.watching() as came:

            async def seen(sample: Sample) -> bool:
                return await came(_texts(sample), self.deadline_s)

            yield seen


_SHORTEST_ID = 8
"""A shorter id may stand in any event by chance."""


def _texts(sample: Sample) -> tuple[bytes, ...]:
    # In its quotes: "sample 1" is the beginning of "sample 12".
    texts = (f'"{sample.name}"'.encode(),) if sample.name else ()
    return (*texts, sample.resource_id.encode()) if len(sample.resource_id) >= _SHORTEST_ID else texts


def watches(profile: Profile, clock: Clock) -> tuple[Watch, ...]:
    """One for each declared sink that may lag: the primary may not, and the cache need not hold what was written."""
    sinks, deadlines = profile.sinks, profile.deadlines
    found: list[Watch] = [
        RowWatch(replica.name, deadlines.replica_s, replica, clock) for replica in replica_tables(sinks)
    ]
    if (audit := audit_table(sinks)) is not None:
        found.append(RowWatch("audit", deadlines.audit_s, audit, clock))
    if sinks.events is not None:
        found.append(StreamWatch(deadlines.event_s, event_stream(sinks.events).watch()))
    if sinks.search is not None:
        index = search_index(sinks.search)
        found.append(SharedLook("search", deadlines.index_s, look=index.with_ids, leave=index.close, clock=clock))
    return tuple(found)
