"""Rate limit buckets of this process alone: the fallback, and the twin for tests."""

import math
from collections import OrderedDict

from createflow.reference_server.domain.job import Quota
from createflow.reference_server.domain.port import Limit
from createflow.schemas.clock import Clock, SystemClock

BUCKETS_MAX = 10_000


class MemoryBuckets:
    """The same GCRA as the script's, in seconds; the bucket that was idle longest is forgotten first."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._arrivals: OrderedDict[str, float] = OrderedDict()

    async def take(self, key: str, limit: Limit) -> Quota:
        """Count one request."""
        now = self._clock.monotonic()
        interval = 1.0 / limit.rate_per_s
        arrival = max(self._arrivals.get(key, now), now)
        early = arrival + interval - interval * limit.burst - now
        window_s = math.ceil(limit.burst / limit.rate_per_s)
        # One nanosecond of grace: sums of intervals are not exact.
        if early > 1e-9:
            return Quota(limit.burst, window_s, 0, math.ceil(arrival - now), retry_after_s=early)
        self._arrivals[key] = arrival + interval
        self._arrivals.move_to_end(key)
        if len(self._arrivals) > BUCKETS_MAX:
            self._arrivals.popitem(last=False)
        remaining = math.floor(-early / interval + 1e-6)
        return Quota(limit.burst, window_s, remaining, math.ceil(arrival + interval - now))
