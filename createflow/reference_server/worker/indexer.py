"""Runs step 15 in the worker: fetches events in batches and applies them to the search index."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.ports import EventSource, Index, UnavailableError
from createflow.reference_server.domain.progress import Progress
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.stages.data.index_update import IndexUpdate

BATCH_SIZE = 2000
RETRY_S = 0.2
PAUSE_MAX_S = 1.0
PAUSE_S_PER_EVENT = 0.01
"""The pause after a bulk request grows with its size. A lone event is searchable at once; under load a document costs
less in a large request, on both sides, and no client waits for the index."""
_JUST_NOW_S = 2.0
READY_WITHIN_S = 10.0
"""A round takes a second or two. An indexer that has not ended one for this long is not ready."""


class Indexer:
    """Keeps the index up to date with the events."""

    def __init__(self, events: EventSource, index: Index, update: IndexUpdate, metrics: Metrics, log: Log) -> None:
        self._events = events
        self._index = index
        self._update = update
        self._metrics = metrics
        self._log = log
        self._is_rewind_due = False
        self._leaves = asyncio.Event()
        self._rounds = Progress()
        self._writes = Progress()
        self._refused: dict[tuple[str, int], datetime] = {}
        metrics.index_lag_s.set_function(self._lag_s)

    @property
    def is_ready(self) -> bool:
        """Whether the last round was just now, and the index took all of it."""
        return self._rounds.has_succeeded_within(READY_WITHIN_S) and not self._refused

    @property
    def has_written(self) -> bool:
        """Whether the index has taken a document just now, so that nobody need try."""
        return self._writes.has_succeeded_within(_JUST_NOW_S)

    def _lag_s(self) -> float:
        """The age of the oldest event that the index has refused; without one, how long no round has succeeded."""
        if self._refused:
            return max(0.0, (datetime.now(UTC) - min(self._refused.values())).total_seconds())
        unknown_s = self._rounds.since_success_s
        return unknown_s if unknown_s > READY_WITHIN_S else 0.0

    def leave(self) -> None:
        """Fetch no more events after the batch that has begun."""
        self._leaves.set()

    async def run(self) -> None:
        """Index until ``leave`` or cancelled."""
        while not self._leaves.is_set():
            try:
                while not self._leaves.is_set():
                    await self._ensure_index()
                    handled = await self.index_batch()
                    self._rounds.succeeded()
                    if handled < BATCH_SIZE:  # else there are more events already
                        await self._pause(min(PAUSE_MAX_S, handled * PAUSE_S_PER_EVENT))
            except UnavailableError as error:
                if self._rounds.failed():
                    self._log.warning("index_waits", cause=str(error))
                await self._pause(RETRY_S)

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._leaves.wait(), pause_s)

    async def _ensure_index(self) -> None:
        """Create the index if it is missing or was lost; a new index gets every event again."""
        self._is_rewind_due |= await self._index.ensure()
        if self._is_rewind_due:
            await self._events.rewind()
            self._is_rewind_due = False

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
                self._note(delivery.events, [False] * len(delivery.events))
                await delivery.settle([False] * len(delivery.events))
                raise
            self._note(delivery.events, done)
            if any(done):
                self._writes.succeeded()
            await delivery.settle(done)
            self._metrics.indexed.inc(sum(done))
            return len(delivery.events)

    def _note(self, events: Sequence[ResourceEvent], done: Sequence[bool]) -> None:
        """Keep what the index has refused until it takes it; the stream delivers it again."""
        for event, is_done in zip(events, done, strict=True):
            key = (event.resource_id, event.version)
            if not is_done:
                self._refused[key] = event.occurred_at
            elif self._refused:
                self._refused.pop(key, None)
