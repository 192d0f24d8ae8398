"""Runs step 15 in the worker: fetches events in batches and applies them to the search index."""

import asyncio

from createflow.reference_server.domain.ports import EventSource, Index, UnavailableError
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.stages.data.index_update import IndexUpdate

BATCH_SIZE = 2000
RETRY_S = 0.2
PAUSE_MAX_S = 1.0
PAUSE_S_PER_EVENT = 0.01
"""The pause after a bulk request grows with its size. A lone event is searchable at once; under load a document costs
less in a large request, on both sides, and no client waits for the index."""


class Indexer:
    """Keeps the index up to date with the events."""

    def __init__(self, events: EventSource, index: Index, update: IndexUpdate, metrics: Metrics, log: Log) -> None:
        self._events = events
        self._index = index
        self._update = update
        self._metrics = metrics
        self._log = log
        self._is_rewind_due = False
        self.is_ready = False
        """Whether the index existed at the last check."""

    async def run(self) -> None:
        """Index until cancelled."""
        while True:
            try:
                while True:
                    await self._ensure_index()
                    handled = await self.index_batch()
                    if handled < BATCH_SIZE:  # else there are more events already
                        await asyncio.sleep(min(PAUSE_MAX_S, handled * PAUSE_S_PER_EVENT))
            except UnavailableError as error:
                self.is_ready = False
                self._log.warning("index_waits", cause=str(error))
                await asyncio.sleep(RETRY_S)

    async def _ensure_index(self) -> None:
        """Create the index if it is missing or was lost; a new index gets every event again."""
        self._is_rewind_due |= await self._index.ensure()
        if self._is_rewind_due:
            await self._events.rewind()
            self._is_rewind_due = False
        self.is_ready = True

    async def index_batch(self) -> int:
        """Index one batch of events, and return its size.

        Raises:
            UnavailableError: the stream or the index does not answer.
        """
        async with self._events.fetch(BATCH_SIZE) as delivery:
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
