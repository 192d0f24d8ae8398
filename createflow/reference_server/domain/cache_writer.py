"""Writes to the cache that never fail the caller and are not forgotten."""

import asyncio
from collections import OrderedDict

from createflow.reference_server.domain.port import CacheStore, Copy, UnavailableError

RETRY_S = 0.25
PENDING_MAX = 10_000


class CacheWriter:
    """Puts copies into the cache; what fails is tried again in the background, newest version only.

    While a copy is pending, its resource's floor keeps the stale cached value from being shown.
    """

    def __init__(self, store: CacheStore) -> None:
        self._store = store
        self._pending: OrderedDict[str, Copy] = OrderedDict()
        self._wake = asyncio.Event()

    @property
    def pending(self) -> int:
        """How many copies the cache still lacks."""
        return len(self._pending)

    async def put(self, resource_id: str, copy: Copy) -> None:
        """Set if newer, now or as soon as the cache is back."""
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
        """Retry what is pending, for ever."""
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
