"""Rate limit buckets in Valkey, counted by its own clock; in this process while Valkey is away."""

import math
from collections.abc import Callable

from createflow.reference_server.adapters.memory_buckets import MemoryBuckets
from createflow.reference_server.adapters.valkey import Valkey
from createflow.reference_server.domain.job import Quota
from createflow.reference_server.domain.port import Limit, UnavailableError

_MICRO = 1_000_000


class ValkeyBuckets:
    """GCRA in one atomic script.

    Args:
        valkey: the client.
        prefix: of the keys.
        gateways: how many processes share a limit, so that each may give its part while the store is away.
        degraded: called when the process counts for itself.
    """

    def __init__(self, valkey: Valkey, *, prefix: str, gateways: int, degraded: Callable[[], None]) -> None:
        self._valkey = valkey
        self._prefix = prefix
        self._gateways = gateways
        self._degraded = degraded
        self._own = MemoryBuckets()

    async def take(self, key: str, limit: Limit) -> Quota:
        """Count one request."""
        interval = max(1, round(_MICRO / limit.rate_per_s))
        try:
            allowed, remaining, wait, full = await self._valkey.run(
                "gcra", f"{self._prefix}:rate:{key}", interval, limit.burst
            )
        except UnavailableError:
            self._degraded()
            share = Limit(limit.rate_per_s / self._gateways, max(1, limit.burst // self._gateways))
            return await self._own.take(key, share)
        return Quota(
            limit=limit.burst,
            window_s=math.ceil(limit.burst / limit.rate_per_s),
            remaining=remaining,
            reset_s=math.ceil(full / _MICRO),
            retry_after_s=0.0 if allowed else wait / _MICRO,
        )
