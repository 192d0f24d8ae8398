"""Which copy a read returns."""

import pytest

from createflow.reference_server.domain.ports import Copy, UnavailableError
from createflow.reference_server.domain.read_your_writes import Reader, VersionWatermarks
from tests.contract.memory_cache import MemoryCache

pytestmark = pytest.mark.anyio


class Store:
    """A store that has one copy, or none, or does not answer."""

    def __init__(self, copy: Copy | None = None, *, away: bool = False) -> None:
        self.copy = copy
        self.away = away
        self.reads = 0

    async def read(self, resource_id: str) -> Copy | None:  # noqa: ARG002 - it has but one
        """The copy."""
        self.reads += 1
        if self.away:
            raise UnavailableError("away")
        return self.copy

    async def set_if_newer(self, resource_id: str, copy: Copy) -> None:  # noqa: ARG002 - as above
        """Only when it is there."""
        if self.away:
            raise UnavailableError("away")
        self.copy = copy


async def test_a_replica_below_the_watermark_is_not_used() -> None:
    """The primary is read, and the cache is filled with its copy."""
    watermarks, cache, replica, primary = (
        VersionWatermarks(),
        MemoryCache(),
        Store(Copy(1, b"old")),
        Store(Copy(2, b"new")),
    )
    reader = Reader(watermarks, cache, [replica], primary)
    watermarks.raise_to("a", 2)
    assert await reader.read("a") == Copy(2, b"new")
    assert await cache.read("a") == Copy(2, b"new")


async def test_a_cached_copy_below_the_watermark_is_not_used() -> None:
    """As when the cache was away while the write was made."""
    watermarks, cache = VersionWatermarks(), Store(Copy(1, b"old"))
    watermarks.raise_to("a", 2)
    assert await Reader(watermarks, cache, [], Store(Copy(2, b"new"))).read("a") == Copy(2, b"new")


async def test_what_was_written_before_the_start_counts() -> None:
    """The process before had the watermarks in its memory."""
    reader = Reader(VersionWatermarks(), Store(Copy(1, b"old")), [Store(Copy(1, b"old"))], Store(Copy(2, b"new")))
    reader.recall([("a", 2), ("b", 7)])
    assert await reader.read("a") == Copy(2, b"new")


async def test_a_replica_is_enough_without_a_watermark() -> None:
    """The primary is left alone."""
    primary = Store(Copy(1, b"x"))
    assert await Reader(VersionWatermarks(), MemoryCache(), [Store(Copy(1, b"x"))], primary).read("a") == Copy(1, b"x")
    assert primary.reads == 0


async def test_a_replica_without_the_row_proves_nothing() -> None:
    """It may be late, so the primary is read."""
    assert await Reader(VersionWatermarks(), MemoryCache(), [Store()], Store(Copy(1, b"x"))).read("a") == Copy(1, b"x")


async def test_cache_and_replica_may_be_away() -> None:
    """The primary answers; when it is away too, the read says so."""
    away = Store(away=True)
    assert await Reader(VersionWatermarks(), away, [away], Store(Copy(1, b"x"))).read("a") == Copy(1, b"x")
    with pytest.raises(UnavailableError):
        await Reader(VersionWatermarks(), away, [away], away).read("a")


def test_watermarks_only_rise_and_the_oldest_is_dropped() -> None:
    """Within the capacity, by the time of the last change."""
    watermarks = VersionWatermarks(capacity=2)
    for resource_id, version in (("a", 3), ("a", 2), ("b", 1), ("a", 1), ("c", 1)):
        watermarks.raise_to(resource_id, version)
    assert [watermarks.lowest_version(name) for name in "abc"] == [3, 0, 1]
