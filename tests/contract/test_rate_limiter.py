"""One contract for the rate limiter: in memory and in Valkey."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from itertools import cycle
from types import SimpleNamespace
from typing import Any

import pytest

from createflow.reference_server.adapters import rate_limiter
from createflow.reference_server.adapters.rate_limiter import MemoryRateLimiter, ValkeyRateLimiter
from createflow.reference_server.adapters.valkey import ValkeyClient
from createflow.reference_server.domain.ports import Limit, RateLimiter, UnavailableError
from tests.reference_server.engine_set import EngineSet

pytestmark = pytest.mark.anyio

SLOW = Limit(rate_per_s=0.1, burst=3)


@pytest.fixture(params=["memory", "valkey"])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    """Either kind."""
    if request.param == "memory":
        yield MemoryRateLimiter()
        return
    valkey = ValkeyClient(request.getfixturevalue("engines").settings.valkey_url)
    prefix = uuid.uuid4().hex
    yield ValkeyRateLimiter(valkey, prefix=prefix, gateways=1, on_degraded=lambda: pytest.fail("not from Valkey"))
    await valkey.close()


async def test_a_burst_is_allowed_and_then_no_more(limiter: RateLimiter) -> None:
    """Remaining counts down; the wait is at most one interval."""
    quotas = [await limiter.take("a", SLOW) for _ in range(4)]
    assert [quota.remaining for quota in quotas] == [2, 1, 0, 0]
    assert [quota.retry_after_s > 0 for quota in quotas] == [False, False, False, True]
    assert 9 < quotas[3].retry_after_s <= 10
    assert (quotas[0].limit, quotas[0].window_s) == (3, 30)
    assert 29 <= quotas[3].reset_s <= 30


async def test_each_key_has_its_own_bucket(limiter: RateLimiter) -> None:
    """One empty bucket empties no other."""
    for _ in range(4):
        await limiter.take("a", SLOW)
    assert (await limiter.take("b", SLOW)).retry_after_s == 0


async def test_concurrent_requests_are_each_counted(limiter: RateLimiter) -> None:
    """Not one more than the burst gets through."""
    quotas = await asyncio.gather(*(limiter.take("a", SLOW) for _ in range(10)))
    assert sum(quota.retry_after_s == 0 for quota in quotas) == 3


async def test_a_refused_request_costs_nothing(limiter: RateLimiter) -> None:
    """Another request while the bucket is empty does not make the wait longer."""
    for _ in range(3):
        await limiter.take("a", SLOW)
    first = await limiter.take("a", SLOW)
    second = await limiter.take("a", SLOW)
    assert second.retry_after_s <= first.retry_after_s


class SometimesAway(ValkeyClient):
    """The client, which does not reach Valkey when a test says so."""

    is_away = False
    turns: Iterator[int] = iter(())
    """Of the event loop, until each call has failed."""

    async def run_script(self, script: str, key: str, *arguments: str | bytes | int) -> Any:
        """As the client does."""
        if self.is_away:
            for _ in range(next(self.turns, 0)):
                await asyncio.sleep(0)
            raise UnavailableError("away")
        return await super().run_script(script, key, *arguments)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_bucket_is_not_full_again_because_valkey_goes_or_comes(engines: EngineSet, times: int) -> None:
    """In each place the count goes on where it was in the other."""
    valkey = SometimesAway(engines.settings.valkey_url)
    limiter = ValkeyRateLimiter(valkey, prefix=uuid.uuid4().hex, gateways=1, on_degraded=lambda: None)
    limit = Limit(rate_per_s=0.1, burst=20)
    allowed = []
    for _ in range(times):
        for is_away in (False, True):
            valkey.is_away = is_away
            allowed += [(await limiter.take("a", limit)).retry_after_s == 0 for _ in range(8)]
    valkey.is_away = False
    allowed += [(await limiter.take("a", limit)).retry_after_s == 0 for _ in range(8)]
    assert allowed == [True] * 20 + [False] * (len(allowed) - 20)
    await valkey.close()


async def test_what_was_allowed_without_valkey_is_told_once(engines: EngineSet) -> None:
    """To whoever asks next: requests at the same time do not each tell it."""
    valkey = SometimesAway(engines.settings.valkey_url)
    limiter = ValkeyRateLimiter(valkey, prefix=uuid.uuid4().hex, gateways=1, on_degraded=lambda: None)
    limit = Limit(rate_per_s=0.1, burst=20)
    valkey.is_away = True
    for _ in range(5):
        await limiter.take("a", limit)
    valkey.is_away = False
    quotas = await asyncio.gather(*(limiter.take("a", limit) for _ in range(20)))
    assert sum(quota.retry_after_s == 0 for quota in quotas) == 15
    await valkey.close()


async def test_two_gateways_fill_what_they_have_not_told_at_the_rate_of_both(
    engines: EngineSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a second without Valkey, a bucket that both had emptied is half full, not full for each of them."""
    passed_s = [0.0]
    monkeypatch.setattr(rate_limiter, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + passed_s[0]))
    limit, prefix = Limit(rate_per_s=10, burst=20), uuid.uuid4().hex
    valkeys = [SometimesAway(engines.settings.valkey_url) for _ in range(2)]
    limiters = [ValkeyRateLimiter(one, prefix=prefix, gateways=2, on_degraded=lambda: None) for one in valkeys]
    allowed = 0
    for valkey, limiter in zip(valkeys, limiters, strict=True):
        valkey.is_away = True
        allowed += sum([(await limiter.take("a", limit)).retry_after_s == 0 for _ in range(20)])
        valkey.is_away = False
    assert allowed == 20
    passed_s[0] = 1.0
    quotas = [await limiter.take("a", limit) for _ in range(20) for limiter in limiters]
    assert 9 <= sum(quota.retry_after_s == 0 for quota in quotas) <= 12  # a part of a second passes meanwhile
    for valkey in valkeys:
        await valkey.close()


async def test_what_is_allowed_while_another_request_tells_is_not_forgotten(engines: EngineSet) -> None:
    """When that request does not reach Valkey, both are told later."""
    valkey = SometimesAway(engines.settings.valkey_url)
    limiter = ValkeyRateLimiter(valkey, prefix=uuid.uuid4().hex, gateways=1, on_degraded=lambda: None)
    limit = Limit(rate_per_s=0.1, burst=20)
    valkey.is_away = True
    valkey.turns = cycle((3, 0, 0))
    for _ in range(3):
        await asyncio.gather(*(limiter.take("a", limit) for _ in range(3)))
    valkey.is_away = False
    quotas = [await limiter.take("a", limit) for _ in range(20)]
    assert sum(quota.retry_after_s == 0 for quota in quotas) == 11
    await valkey.close()
