"""Step 14, made good: what an update or a delete could not leave in the cache, the worker leaves there.

A service may die between its commit and its write to the cache, and with it the memory that the cache is behind. The
event of the write outlives it.
"""

import asyncio

import orjson

from createflow.reference_server.domain.port import CacheStore, Copy, UnavailableError
from createflow.reference_server.process.log import Log
from createflow.reference_server.worker.indexer import Events

BATCH = 100
RETRY_S = 0.1


class CacheKeeper:
    """Repeats updates and deletes in the cache. What is there already is as new or newer, and stays.

    Creates are left out: before a create there is nothing in the cache that could be stale.
    """

    def __init__(self, events: Events, cache: CacheStore, log: Log) -> None:
        self._events = events
        self._cache = cache
        self._log = log

    async def run(self) -> None:
        """Keep the cache for ever."""
        while True:
            try:
                while True:
                    await self.step()
            except UnavailableError as error:
                self._log.warning("cache_waits", cause=str(error))
                await asyncio.sleep(RETRY_S)

    async def step(self) -> None:
        """One handful; nothing of it is forgotten before the cache has it."""
        async with self._events.fetch(BATCH) as delivery:
            copies = [copy_in(event) for event in delivery.events]
            while True:
                try:
                    for resource_id, copy in copies:
                        await self._cache.set_if_newer(resource_id, copy)
                    break
                except UnavailableError:
                    await asyncio.sleep(RETRY_S)
            await delivery.settle([True] * len(copies))


def copy_in(event: bytes) -> tuple[str, Copy]:
    """The resource's id and its copy after the write, an empty one after a delete."""
    parsed = orjson.loads(event)
    deleted = parsed["type"] == "createflow.resource.deleted"
    return parsed["subject"], Copy(parsed["version"], b"" if deleted else orjson.dumps(parsed["data"]))
