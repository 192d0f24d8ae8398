"""A limiter that keeps its promise is left alone, and one whose limit was never met is neither praised nor accused."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import pytest

from createflow.scenarios.checks.api import rate_limit
from createflow.scenarios.checks.api.rate_limit import no_window_takes_more
from createflow.scenarios.outcome import Expectation, Inconclusive
from createflow.scenarios.target.reply import Reply
from createflow.schemas.profile import Limits
from tests.scenarios.checks.memory_target import MemoryTarget, reply

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_LONGEST_BURST_S", 0.3)
    monkeypatch.setattr(rate_limit, "_REFUSED_FOR_S", 0.2)


@dataclass
class Bucket(MemoryTarget):
    """A token bucket of a size of its own, whatever is promised."""

    size: float = 20
    left: float = -1
    filled_at: float = 0.0
    otherwise: int = 429

    async def create(self, *_: Any, **__: Any) -> Reply:
        """Take one, if there is one."""
        await asyncio.sleep(0)
        now = time.perf_counter()
        self.left = min(self.size, self.left + (now - self.filled_at) * 50) if self.filled_at else self.size
        self.filled_at = now
        if self.left < 1:
            return reply(self.otherwise)
        self.left -= 1
        return reply(201)


async def _run(target: Bucket, limits: Limits | None = None) -> None:
    target.limits = limits or Limits(rate_per_s=50, burst=20)
    await no_window_takes_more.function(target=target)


async def test_a_bucket_that_keeps_its_promise_is_left_alone() -> None:
    """To the last request."""
    await _run(Bucket())


async def test_a_bucket_of_twice_the_size_is_accused() -> None:
    """Although it refuses what is beyond that."""
    with pytest.raises(Expectation, match="a burst of 20 and 50 a second"):
        await _run(Bucket(size=40))


async def test_a_flood_that_meets_anything_but_the_limit_proves_nothing() -> None:
    """Neither a server error nor a flood that stayed below the limit."""
    with pytest.raises(Inconclusive, match="answered with 500"):
        await _run(Bucket(otherwise=500))

    endless = Bucket(size=1e9)
    with pytest.raises(Inconclusive, match="do not exceed"):
        await _run(endless, Limits(rate_per_s=1e6, burst=10**6))


async def test_a_flood_too_slow_to_show_a_limit_that_is_too_high_proves_nothing() -> None:
    """Some creates are refused, and yet fewer were sent than are promised."""
    with pytest.raises(Inconclusive, match="times as much through would not be seen"):
        await _run(Bucket(), Limits(rate_per_s=1e6, burst=20))
