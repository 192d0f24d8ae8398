"""Reads: cache, replica, primary, in this order, and never older than what was written through this service."""

import contextlib
from collections.abc import Sequence
from itertools import cycle

from createflow.reference_server.domain.port import CacheStore, Copies, Copy, UnavailableError
from createflow.reference_server.domain.version_watermarks import Floors


class Reader:
    """Finds a copy that is new enough.

    A replica that has no row proves nothing: it may only be late. So the primary is asked.
    """

    def __init__(self, floors: Floors, cache: CacheStore, replicas: Sequence[Copies], primary: Copies) -> None:
        self.floors = floors
        self.cache = cache
        self.replicas = replicas
        self.primary = primary
        self._next_replica = cycle(replicas)

    async def read(self, resource_id: str) -> Copy | None:
        """The copy, a deleted one with an empty document; None when there never was one.

        Raises:
            UnavailableError: no store that may answer does.
        """
        floor = self.floors.of(resource_id)
        with contextlib.suppress(UnavailableError):
            cached = await self.cache.read(resource_id)
            if cached is not None and cached.version >= floor:
                return cached
        copy = await self._from_replica(resource_id, floor)
        if copy is None:
            copy = await self.primary.read(resource_id)
        if copy is not None:
            with contextlib.suppress(UnavailableError):
                await self.cache.set_if_newer(resource_id, copy)
        return copy

    async def _from_replica(self, resource_id: str, floor: int) -> Copy | None:
        if not self.replicas:
            return None
        with contextlib.suppress(UnavailableError):
            copy = await next(self._next_replica).read(resource_id)
            if copy is not None and copy.version >= floor:
                return copy
        return None
