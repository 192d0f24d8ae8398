"""Writes to the cache that never fail the request, and are repeated until the cache has them."""

import asyncio
from collections import OrderedDict

from createflow.reference_server.domain.ports import CacheStore, Copy, UnavailableError

RETRY_S = 0.25
PENDING_MAX = 10_000


class CacheWriter:
    """Puts copies into the cache. What fails is repeated in the background, the newest version of a resource only.

    While a copy is pending, the version watermark keeps reads from returning the old cached copy.
    """

    def __init__(self, store: CacheStore) -> None:
        self._store = store
        self._pending: OrderedDict[str, Copy] = OrderedDict()
        self._wake = asyncio.Event()

    @property
    def pending(self) -> int:
        """How many copies are not in the cache yet."""
        return len(self._pending)

    async def put(self, resource_id: str, copy: Copy) -> None:
        """Set the copy if newer, now or as soon as the cache answers again."""
        try:
            await self._store.set_if_newer(resource_id, copy)
        except UnavailableError:
            waiting = self._pending.get(resource_id)
            if waiting is None or waiting.version < copy.version:
                self._pending[resource_id] = copy
            if len(self._pending) > PENDING_MAX:
                self._pending.popitem(last=False)
            self._wake.set()

    async def run(self) -> None:
        """Repeat pending writes until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                await asyncio.sleep(RETRY_S)
                await self._retry()

    async def _retry(self) -> None:
        for resource_id, copy in list(self._pending.items()):
            try:
                await self._store.set_if_newer(resource_id, copy)
            except UnavailableError:
                return
            if self._pending.get(resource_id) is copy:
                del self._pending[resource_id]
