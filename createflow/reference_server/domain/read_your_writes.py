"""Reads that are never older than a write through this service: version watermarks, and a reader that keeps to them."""

import contextlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import cycle

from createflow.reference_server.domain.ports import CacheStore, Copy, ReadStore, UnavailableError

WATERMARKS_MAX = 100_000


class VersionWatermarks:
    """The lowest version that a read may return, for each resource that was changed lately.

    The least recently raised watermarks are dropped first. A watermark outlives every older copy as long as fewer than
    ``capacity`` other resources are changed within the replicas' lag.
    """

    def __init__(self, capacity: int = WATERMARKS_MAX) -> None:
        self._versions: OrderedDict[str, int] = OrderedDict()
        self._capacity = capacity

    def raise_to(self, resource_id: str, version: int) -> None:
        """Allow no version below this one from now on; a lower watermark changes nothing."""
        if version > self._versions.get(resource_id, 0):
            self._versions[resource_id] = version
        if resource_id in self._versions:
            self._versions.move_to_end(resource_id)
        if len(self._versions) > self._capacity:
            self._versions.popitem(last=False)

    def lowest_version(self, resource_id: str) -> int:
        """Return the watermark; 0 when every version may be returned."""
        return self._versions.get(resource_id, 0)


class Reader:
    """Reads from cache, replica and primary, in this order, until a copy is not below the watermark.

    A replica without the row may only be late, so the primary is read then.
    """

    def __init__(
        self, watermarks: VersionWatermarks, cache: CacheStore, replicas: Sequence[ReadStore], primary: ReadStore
    ) -> None:
        self.watermarks = watermarks
        self.cache = cache
        self.replicas = replicas
        self.primary = primary
        self._next_replica = cycle(replicas)

    def recall(self, changes: Iterable[tuple[str, int]]) -> None:
        """Know of (id, version) that were written before this process began: the memory of the one before is lost."""
        for resource_id, version in changes:
            self.watermarks.raise_to(resource_id, version)

    async def read(self, resource_id: str) -> Copy | None:
        """Return a copy, with an empty document if the resource was deleted; None if it never existed.

        Raises:
            UnavailableError: the primary is needed and does not answer.
        """
        lowest = self.watermarks.lowest_version(resource_id)
        with contextlib.suppress(UnavailableError):
            cached = await self.cache.read(resource_id)
            if cached is not None and cached.version >= lowest:
                return cached
        copy = await self._read_replica(resource_id, lowest)
        if copy is None:
            copy = await self.primary.read(resource_id)
        if copy is not None:
            with contextlib.suppress(UnavailableError):
                await self.cache.set_if_newer(resource_id, copy)
        return copy

    async def _read_replica(self, resource_id: str, lowest: int) -> Copy | None:
        if not self.replicas:
            return None
        with contextlib.suppress(UnavailableError):
            copy = await next(self._next_replica).read(resource_id)
            if copy is not None and copy.version >= lowest:
                return copy
        return None
