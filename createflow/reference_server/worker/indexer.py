"""Feeds the events to step 15, in handfuls, through restarts of everything."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from createflow.reference_server.domain.port import Index, UnavailableError
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.stages.data.index_update import IndexUpdate

BATCH = 2000
RETRY_S = 0.2
PACE_MAX_S = 1.0
PACE_S_PER_EVENT = 0.01
"""The pause after a bulk request grows with what it held. A lone event is searchable at once; under load a document
costs less in a full request, on both sides, and nobody waits for the index."""


class Delivery(Protocol):
    """Events handed out."""

    events: list[bytes]

    async def settle(self, done: Sequence[bool]) -> None:
        """Acknowledge, or ask for again."""


class Events(Protocol):
    """Where events come from."""

    def fetch(self, limit: int) -> AbstractAsyncContextManager[Delivery]:
        """Some events, as soon as there are any, or none after a while."""

    async def rewind(self) -> None:
        """Begin again with the oldest."""


class Indexer:
    """Pulls events and keeps the index up with them."""

    def __init__(self, events: Events, index: Index, update: IndexUpdate, metrics: Metrics, log: Log) -> None:
        self._events = events
        self._index = index
        self._update = update
        self._metrics = metrics
        self._log = log
        self._rewind_due = False
        self.ready = False
        """Whether the index was there at the last look."""

    async def run(self) -> None:
        """Index for ever."""
        while True:
            try:
                while True:
                    await self._look_after_index()
                    handled = await self.step()
                    if handled < BATCH:  # else there is more already
                        await asyncio.sleep(min(PACE_MAX_S, handled * PACE_S_PER_EVENT))
            except UnavailableError as error:
                self.ready = False
                self._log.warning("index_waits", cause=str(error))
                await asyncio.sleep(RETRY_S)

    async def _look_after_index(self) -> None:
        """An index that had to be made, because there was none or it was lost, gets every event again."""
        self._rewind_due |= await self._index.ensure()
        if self._rewind_due:
            await self._events.rewind()
            self._rewind_due = False
        self.ready = True

    async def step(self) -> int:
        """One handful; how many events it was."""
        async with self._events.fetch(BATCH) as delivery:
            if not delivery.events:
                return 0
            try:
                done = await self._update(delivery.events)
            except UnavailableError:
                await delivery.settle([False] * len(delivery.events))
                raise
            await delivery.settle(done)
            self._metrics.indexed.inc(sum(done))
            return len(delivery.events)
