"""Repair of the cache: repeats every update and delete in it, from the events.

A service may die between its commit and its write to the cache (step 14). Its list of pending writes dies with it; the
event of the write does not.
"""

import asyncio

from createflow.reference_server.domain.ports import CacheStore, Copy, EventSource, UnavailableError
from createflow.reference_server.domain.progress import Progress
from createflow.reference_server.process.log import Log

BATCH_SIZE = 100
RETRY_S = 0.1
READY_WITHIN_S = 10.0
"""A round takes a second. A repair that has not ended one for this long is not ready."""


class CacheRepair:
    """Sets the copies of updated and deleted resources if they are newer.

    Creates are left out: before a create the cache holds nothing that could be stale.
    """

    def __init__(self, events: EventSource, cache: CacheStore, log: Log) -> None:
        self._events = events
        self._cache = cache
        self._log = log
        self._leaves = False
        self._rounds = Progress()

    @property
    def is_ready(self) -> bool:
        """Whether the last round was just now, and the cache has all of it."""
        return self._rounds.has_succeeded_within(READY_WITHIN_S)

    def leave(self) -> None:
        """Fetch no more events after the batch that has begun."""
        self._leaves = True

    async def run(self) -> None:
        """Repair until ``leave`` or cancelled."""
        while not self._leaves:
            try:
                while not self._leaves:
                    await self.repair_batch()
                    self._rounds.succeeded()
            except UnavailableError as error:
                if self._rounds.failed():
                    self._log.warning("cache_waits", cause=str(error))
                await asyncio.sleep(RETRY_S)

    async def repair_batch(self) -> None:
        """Handle one batch of events; they are acknowledged once the cache has all of them.

        Raises:
            UnavailableError: the stream does not answer.
        """
        async with self._events.fetch(BATCH_SIZE) as delivery:
            has_all = False
            while not has_all:
                try:
                    for event in delivery.events:
                        await self._cache.set_if_newer(event.resource_id, Copy(event.version, event.document_after))
                    has_all = True
                except UnavailableError as error:
                    if self._rounds.failed():
                        self._log.warning("cache_waits", cause=str(error))
                    if self._leaves:
                        break
                    await asyncio.sleep(RETRY_S)
            await delivery.settle([has_all] * len(delivery.events))
