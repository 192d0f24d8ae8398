"""The rate limiter (GCRA): buckets in Valkey, counted by its clock; in this process while Valkey is away."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from createflow.reference_server.adapters.valkey import ValkeyClient
from createflow.reference_server.domain.job import Quota
from createflow.reference_server.domain.ports import Limit, UnavailableError

BUCKETS_MAX = 10_000
_MICRO = 1_000_000


class MemoryRateLimiter:
    """Buckets of this process alone, by the algorithm of ``gcra.lua``; the least recently used one is dropped first."""

    def __init__(self) -> None:
        self._arrivals: OrderedDict[str, float] = OrderedDict()

    async def take(self, key: str, limit: Limit) -> Quota:
        """Count one request."""
        now = time.monotonic()
        interval = 1.0 / limit.rate_per_s
        arrival = max(self._arrivals.get(key, now), now)
        early = arrival + interval - interval * limit.burst - now
        window_s = math.ceil(limit.burst / limit.rate_per_s)
        # One nanosecond of tolerance: sums of intervals are not exact.
        if early > 1e-9:
            return Quota(limit.burst, window_s, 0, math.ceil(arrival - now), retry_after_s=early)
        self._arrivals[key] = arrival + interval
        self._arrivals.move_to_end(key)
        if len(self._arrivals) > BUCKETS_MAX:
            self._arrivals.popitem(last=False)
        remaining = math.floor(-early / interval + 1e-6)
        return Quota(limit.burst, window_s, remaining, math.ceil(arrival + interval - now))


class ValkeyRateLimiter:
    """Buckets in Valkey, each counted by one atomic script.

    Args:
        valkey: the client.
        prefix: of the keys.
        gateways: how many processes share a limit. While Valkey is away, each allows its part of it.
        on_degraded: called for each request that this process counts by itself.
    """

    def __init__(self, valkey: ValkeyClient, *, prefix: str, gateways: int, on_degraded: Callable[[], None]) -> None:
        self._valkey = valkey
        self._prefix = prefix
        self._gateways = gateways
        self._on_degraded = on_degraded
        self._fallback = MemoryRateLimiter()

    async def take(self, key: str, limit: Limit) -> Quota:
        """Count one request."""
        interval = max(1, round(_MICRO / limit.rate_per_s))
        try:
            allowed, remaining, wait, full = await self._valkey.run_script(
                "gcra", f"{self._prefix}:rate:{key}", interval, limit.burst
            )
        except UnavailableError:
            self._on_degraded()
            share = Limit(limit.rate_per_s / self._gateways, max(1, limit.burst // self._gateways))
            return await self._fallback.take(key, share)
        return Quota(
            limit=limit.burst,
            window_s=math.ceil(limit.burst / limit.rate_per_s),
            remaining=remaining,
            reset_s=math.ceil(full / _MICRO),
            retry_after_s=0.0 if allowed else wait / _MICRO,
        )
