"""One contract for the cache: in memory and in Valkey."""

import itertools
import uuid
from collections.abc import AsyncIterator

import pytest

from createflow.reference_server.adapters.valkey import ValkeyCache, ValkeyClient
from createflow.reference_server.domain.ports import CacheStore, Copy
from tests.contract.memory_cache import MemoryCache

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "valkey"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[CacheStore]:
    """Either kind."""
    if request.param == "memory":
        yield MemoryCache()
        return
    valkey = ValkeyClient(request.getfixturevalue("engines").settings.valkey_url)
    yield ValkeyCache(valkey, prefix=uuid.uuid4().hex, ttl_s=60)
    await valkey.close()


async def test_what_was_never_set_is_not_there(cache: CacheStore) -> None:
    """Not even as a tombstone."""
    assert await cache.read("a") is None


async def test_the_newest_stays_in_whatever_order_they_come(cache: CacheStore) -> None:
    """All orders of three versions, a tombstone among them."""
    copies = (Copy(1, b"one"), Copy(2, b""), Copy(10, b"ten"))
    for number, order in enumerate(itertools.permutations(copies)):
        for copy in order:
            await cache.set_if_newer(str(number), copy)
        assert await cache.read(str(number)) == Copy(10, b"ten")


async def test_a_tombstone_is_a_copy_without_document(cache: CacheStore) -> None:
    """A late fill does not bring the resource back."""
    await cache.set_if_newer("a", Copy(2, b""))
    await cache.set_if_newer("a", Copy(1, b"old"))
    assert await cache.read("a") == Copy(2, b"")
