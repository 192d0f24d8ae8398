"""The rate limiter (GCRA): buckets in Valkey, counted by its clock; in this process while Valkey is away.

Neither change of place fills a bucket again: this process goes on from what Valkey said last, and Valkey is told
afterwards what was allowed without it. An answer of Valkey that comes too late is enough for such a change.
"""

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
        self._set(key, arrival + interval)
        remaining = math.floor(-early / interval + 1e-6)
        return Quota(limit.burst, window_s, remaining, math.ceil(arrival + interval - now))

    def empty_to(self, key: str, full_in_s: float) -> None:
        """Make a bucket so empty that it is full again after this time, unless it is emptier."""
        arrival = time.monotonic() + full_in_s
        self._set(key, max(arrival, self._arrivals.get(key, arrival)))

    def _set(self, key: str, arrival: float) -> None:
        self._arrivals[key] = arrival
        self._arrivals.move_to_end(key)
        if len(self._arrivals) > BUCKETS_MAX:
            self._arrivals.popitem(last=False)


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
        self._untold: dict[str, float] = {}
        """Until when on the monotonic clock a bucket of its own would not be full: of what Valkey has not counted.

        It fills by this process's part of the rate only: the others tell what they have allowed as well.
        """

    async def take(self, key: str, limit: Limit) -> Quota:
        """Count one request."""
        interval_s = 1 / limit.rate_per_s
        untold = self._untold.pop(key, 0.0)
        try:
            allowed, remaining, wait, full = await self._valkey.run_script(
                "gcra",
                f"{self._prefix}:rate:{key}",
                max(1, round(_MICRO * interval_s)),
                limit.burst,
                round(_MICRO * _left_s(untold) / self._gateways),
            )
        except UnavailableError:
            self._on_degraded()
            share = Limit(limit.rate_per_s / self._gateways, max(1, limit.burst // self._gateways))
            quota = await self._fallback.take(key, share)
            # Others may have been allowed since this request has taken it to tell.
            untold_s = _left_s(untold) + _left_s(self._untold.get(key, 0.0))
            if quota.retry_after_s == 0:
                untold_s += interval_s * self._gateways
            if untold_s:
                self._keep_untold(key, time.monotonic() + untold_s)
            return quota
        self._fallback.empty_to(key, full / _MICRO)
        return Quota(
            limit=limit.burst,
            window_s=math.ceil(limit.burst / limit.rate_per_s),
            remaining=remaining,
            reset_s=math.ceil(full / _MICRO),
            retry_after_s=0.0 if allowed else wait / _MICRO,
        )

    def _keep_untold(self, key: str, until: float) -> None:
        if key not in self._untold and len(self._untold) >= BUCKETS_MAX:
            self._untold.pop(next(iter(self._untold)))
        self._untold[key] = until


def _left_s(until: float) -> float:
    return max(0.0, until - time.monotonic()) if until else 0.0
