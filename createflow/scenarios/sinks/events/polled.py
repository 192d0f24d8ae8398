"""The three ways to read a stream, made of one source that gives pages: while checks run, after a load, during it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol, Self

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.events.collector import MOST_BYTES, CollectedEvents, EventCollector
from createflow.scenarios.sinks.events.shape import EventReader
from createflow.scenarios.sinks.failure import reason_of
from createflow.scenarios.sinks.sink import EventSeen, PublishedEvent

_POLL_S = 0.02
_RESUME_ATTEMPTS = 50
_RESUME_S = 0.2
_STOP_S = 6.0
"""Longer than any source waits for an answer."""


class EventSource(Protocol):
    """A stream from the moment at which it was opened first. It raises SinkFailed when the broker does not answer."""

    keeps: bool
    """The stream keeps its events, so that a source that was closed goes on where it stopped."""

    @property
    def address(self) -> str:
        """Host and port, without credentials."""

    async def open(self) -> None:
        """Connect. At the first time, what is in the stream already counts as read."""

    async def take(self) -> list[PublishedEvent]:
        """Some events that are there now and were not taken before; none only when there are no more."""

    async def skip(self) -> None:
        """Count what is there now as taken."""

    def rewind(self) -> None:
        """While it is closed: go back to where it was opened first. Only for a stream that keeps its events."""

    async def close(self) -> None:
        """Close the connection."""


MakeSource = Callable[[], EventSource]


class _Pump:
    """Repeats a step until it is stopped, with a pause after each that had nothing to do.

    It is not cancelled: client libraries swallow that while they wait for an answer.
    """

    def __init__(self, step: Callable[[], Awaitable[bool]]) -> None:
        self._step = step
        self._over = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def is_over(self) -> bool:
        """It was stopped, or its step failed."""
        return self._task.done()

    def raise_failure(self) -> None:
        """Raise what the step raised."""
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Wait until the step has ended, and do not repeat it."""
        self._over.set()
        for _ in range(2):
            await asyncio.wait({self._task}, timeout=_STOP_S)
            self._task.cancel()
        await asyncio.gather(*({self._task} if self._task.done() else ()), return_exceptions=True)

    async def _run(self) -> None:
        while not self._over.is_set():
            if not await self._step():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S):
                        await self._over.wait()


class PolledStream(CollectedEvents):
    """Fills EventStream.

    Args:
        make: a new source of the stream.
        reader: of its events.
        name: of the stream, for messages.
    """

    def __init__(self, make: MakeSource, reader: EventReader, name: str) -> None:
        self._make = make
        self._source = make()
        self._name = name
        self._events = EventCollector(reader, name)
        self._pump: _Pump | None = None
        self._failures = 0
        """In a row."""

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return self._source.address

    async def open(self) -> Self:
        """Receive events from now on."""
        await self._source.open()
        self._pump = _Pump(self._receive)
        return self

    async def close(self) -> None:
        """Receive no more."""
        if self._pump is not None:
            await self._pump.stop()
        await self._source.close()

    async def can_write(self) -> str:
        """What the user of the source may do besides reading; empty where the engine does not tell."""
        ask = getattr(self._source, "can_write", None)
        return "" if ask is None else str(await ask())

    async def begin_replay(self) -> "PolledReplay":
        """The events from now on."""
        replay = PolledReplay(self._make())
        await replay.begin()
        return replay

    def watch(self) -> "PolledWatch":
        """A watch with a connection of its own."""
        return PolledWatch(self._make())

    async def _receive(self) -> bool:
        if self._events.beyond:
            return False
        try:
            page = await self._source.take()
        except Exception as error:  # noqa: BLE001 - whatever a client library raises, the stream cannot be read
            await self._resume(error)
            return True
        self._failures = 0
        for event in page:
            self._events.add(event)
        return bool(page)

    async def _resume(self, error: Exception) -> None:
        """After a restart of the broker, say."""
        self._failures += 1
        if not self._source.keeps or self._failures > _RESUME_ATTEMPTS:
            self._events.beyond = f"the stream {self._name} could not be read any more: {reason_of(error)}"
            return
        await asyncio.sleep(_RESUME_S)
        with suppress(Exception):  # the next attempt says it
            await self._source.close()
            await self._source.open()


class PolledReplay:
    """Fills EventReplay. Where the stream does not keep its events, they are received meanwhile, within a bound."""

    def __init__(self, source: EventSource) -> None:
        self._source = source
        self._is_open = False
        self._lock = asyncio.Lock()
        self._pending: list[PublishedEvent] = []
        self._given: list[PublishedEvent] = []
        """Those that the stream does not keep."""
        self._pending_bytes = 0
        self._pump: _Pump | None = None

    async def begin(self) -> None:
        """Everything from now on is read."""
        await self._source.open()
        self._is_open = True
        if self._source.keeps:
            await self._close_source()
        else:
            self._pump = _Pump(self._receive)

    async def pages(self) -> AsyncIterator[list[PublishedEvent]]:
        """All events that are in the stream now and were not read before."""
        if not self._is_open and self._source.keeps:
            await self._source.open()
            self._is_open = True
        try:
            while True:
                async with self._lock:
                    if self._pump is not None:
                        self._pump.raise_failure()
                    page = [*self._pending, *(await self._source.take() if self._is_open else ())]
                    self._pending = []
                if not page:
                    return
                if not self._source.keeps:
                    self._given += page
                yield page
        except BaseException:
            if self._source.keeps:
                await self._close_source()
            raise

    async def rewind(self) -> None:
        """Begin again."""
        if self._source.keeps:
            await self._close_source()
            self._source.rewind()
        else:
            self._pending, self._given = [*self._given, *self._pending], []

    async def close(self) -> None:
        """Close the connection."""
        if self._pump is not None:
            await self._pump.stop()
        await self._close_source()

    async def _close_source(self) -> None:
        self._is_open = False
        await self._source.close()

    async def _receive(self) -> bool:
        async with self._lock:
            page = await self._source.take()
            self._pending += page
        self._pending_bytes += sum(len(event.data) for event in page)
        if self._pending_bytes > MOST_BYTES:
            raise Inconclusive(f"the load has more than {MOST_BYTES} bytes of events: too many to keep")
        return bool(page)


class PolledWatch:
    """Fills EventWatch: one source for all watches, read only while there is one."""

    def __init__(self, source: EventSource) -> None:
        self._source = source
        self._lock = asyncio.Lock()
        self._watches: list[asyncio.Queue[PublishedEvent | Exception]] = []
        self._pump: _Pump | None = None

    async def open(self) -> Self:
        """Connect, so that the first watch does not include it."""
        await self._source.open()
        return self

    async def close(self) -> None:
        """Close the connection."""
        await self._stop()
        await self._source.close()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[EventSeen]:
        """Every event from now on is seen by the function that this yields."""
        arrived: asyncio.Queue[PublishedEvent | Exception] = asyncio.Queue()
        async with self._lock:
            if self._pump is None or self._pump.is_over:
                await self._source.skip()
                self._pump = _Pump(self._receive)
            self._watches.append(arrived)

        async def seen(texts: tuple[bytes, ...], within_s: float) -> bool:
            try:
                async with asyncio.timeout(within_s):
                    while True:
                        if _has(await arrived.get(), texts):
                            return True
            except TimeoutError:
                # Events that arrived in time but were not looked at yet count as seen.
                return any(_has(arrived.get_nowait(), texts) for _ in range(arrived.qsize()))

        try:
            yield seen
        finally:
            self._watches.remove(arrived)
            if not self._watches:
                await self._stop()

    async def _stop(self) -> None:
        pump, self._pump = self._pump, None
        if pump is not None:
            await pump.stop()

    async def _receive(self) -> bool:
        try:
            page = await self._source.take()
        except Exception as error:
            for watch in self._watches:
                watch.put_nowait(error)
            raise
        for event in page:
            for watch in self._watches:
                watch.put_nowait(event)
        return bool(page)


def _has(event: PublishedEvent | Exception, texts: tuple[bytes, ...]) -> bool:
    if isinstance(event, Exception):
        raise event
    return any(text in event.data for text in texts)
