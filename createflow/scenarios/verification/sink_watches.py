"""Watches: how the sampler follows one create into a sink, from its reply until it is seen.

A table is polled for each sample, a stream pushes, and a slow sink is polled for all waiting samples together.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.registry import audit_table, event_stream, replica_tables, search_index
from createflow.scenarios.sinks.sink import EventWatch, Table
from createflow.schemas.clock import Clock
from createflow.schemas.profile import Profile

_POLL_PAUSE_S = 0.1
_MIN_ID_CHARACTERS = 8
"""A shorter id may occur in any event by chance."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A create that was accepted and is followed into the sinks."""

    resource_id: str
    name: str
    """Empty if the create has no name of its own."""


WaitForSample = Callable[[Sample], Awaitable[bool]]
"""Waits until a sample is in the sink, and returns whether it arrived by the sink's deadline."""


class Watch(Protocol):
    """A watch on one sink."""

    name: str
    deadline_s: float

    def watch(self) -> AbstractAsyncContextManager[WaitForSample]:
        """Watch one create. Enter before it is sent, so that nothing is missed."""

    async def open(self) -> Any:
        """Connect."""

    async def close(self) -> None:
        """Close the connection."""


class RowWatch:
    """A table, polled for each sample with growing pauses. Mostly the first answer is the last."""

    def __init__(self, name: str, deadline_s: float, rows: Table, clock: Clock) -> None:
        self.name = name
        self.deadline_s = deadline_s
        self._rows = rows
        self._clock = clock

    async def open(self) -> None:
        """Connect, so that the first sample does not include it."""
        await self._rows.open()

    async def close(self) -> None:
        """Close the connection."""
        await self._rows.close()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[WaitForSample]:
        """Watch one create. Polling starts after its reply."""
        yield self._wait_for

    async def _wait_for(self, sample: Sample) -> bool:
        _, in_time = await eventually(
            lambda: self._rows.by_id(sample.resource_id), bool, within_s=self.deadline_s, clock=self._clock
        )
        return in_time


class StreamWatch:
    """The event stream, which pushes events."""

    name = "events"

    def __init__(self, deadline_s: float, events: EventWatch) -> None:
        self.deadline_s = deadline_s
        self._events = events

    async def open(self) -> None:
        """Connect."""
        await self._events.open()

    async def close(self) -> None:
        """Close the connection."""
        await self._events.close()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[WaitForSample]:
        """Watch one create. An event that is published before the reply counts too."""
        async with self._events.watching() as is_seen:

            async def wait_for(sample: Sample) -> bool:
                return await is_seen(_texts(sample), self.deadline_s)

            yield wait_for


def _texts(sample: Sample) -> tuple[bytes, ...]:
    # With its quotes, because "sample 1" is the start of "sample 12".
    texts = (f'"{sample.name}"'.encode(),) if sample.name else ()
    return (*texts, sample.resource_id.encode()) if len(sample.resource_id) >= _MIN_ID_CHARACTERS else texts


@dataclass(slots=True)
class _Waiting:
    due_s: float
    result: "asyncio.Future[bool]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class BatchedPoll:
    """A slow sink, polled for all waiting samples in one query, ten times a second at most and only if one waits.

    Args:
        name: of the sink.
        deadline_s: how long a sample may take.
        find: returns those of the ids that are in the sink.
        close: closes what ``find`` needs.
        clock: measures the deadlines.
    """

    def __init__(
        self,
        name: str,
        deadline_s: float,
        *,
        find: Callable[[Sequence[str]], Awaitable[Collection[str]]],
        close: Callable[[], Awaitable[Any]],
        clock: Clock,
    ) -> None:
        self.name = name
        self.deadline_s = deadline_s
        self._find = find
        self._close = close
        self._clock = clock
        self._waiting: dict[str, _Waiting] = {}
        self._polling: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Do nothing: the first query connects."""

    async def close(self) -> None:
        """Stop polling and close the connections."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
        await self._close()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[WaitForSample]:
        """Watch one create. Polling starts after its reply."""
        yield self._wait_for

    async def _wait_for(self, sample: Sample) -> bool:
        waiting = self._waiting[sample.resource_id] = _Waiting(self._clock.monotonic() + self.deadline_s)
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        try:
            return await waiting.result
        finally:
            self._waiting.pop(sample.resource_id, None)

    async def _poll(self) -> None:
        while self._waiting:
            requested = dict(self._waiting)
            started_s = self._clock.monotonic()
            try:
                found, failure = set(await self._find(list(requested))), None
            except Exception as error:  # noqa: BLE001 - whatever a client library raises, it is reported at the deadline
                found, failure = set(), error
            for resource_id, waiting in requested.items():
                if waiting.result.done():
                    continue
                # Only a query that started after the deadline shows that a sample is late.
                if resource_id in found:
                    waiting.result.set_result(True)
                elif started_s >= waiting.due_s:
                    if failure is None:
                        waiting.result.set_result(False)
                    else:
                        waiting.result.set_exception(failure)
                else:
                    continue
                self._waiting.pop(resource_id, None)
            await self._clock.sleep(_POLL_PAUSE_S)


def make_watches(profile: Profile, clock: Clock) -> tuple[Watch, ...]:
    """A watch for each declared sink that may lag. The primary may not, and a cache need not hold a write."""
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
        found.append(BatchedPoll("search", deadlines.index_s, find=index.with_ids, close=index.close, clock=clock))
    return tuple(found)
