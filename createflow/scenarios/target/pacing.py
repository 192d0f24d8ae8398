"""Keeping the promised rate limit from our side, so that a 429 never spoils a check about something else."""

from createflow.schemas.clock import Clock, SystemClock
from createflow.schemas.profile import Limits

_SHARE = 0.8
"""We use this part of what is promised: the target's clock and ours never start together."""


class Pace:
    """A GCRA for each principal: the same arithmetic that a limiter uses, waiting where it would refuse."""

    def __init__(self, limits: Limits | None, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._interval_s = 0.0 if limits is None else 1 / (limits.rate_per_s * _SHARE)
        self._tolerance_s = 0.0 if limits is None else self._interval_s * max(limits.burst * _SHARE - 1, 0)
        self._next: dict[str, float] = {}

    async def wait(self, subject: str) -> None:
        """Return when this principal may send one more request."""
        if not self._interval_s:
            return
        now = self._clock.monotonic()
        arrival = max(self._next.get(subject, now), now)
        self._next[subject] = arrival + self._interval_s
        wait_s = arrival - self._tolerance_s - now
        if wait_s > 0:
            await self._clock.sleep(wait_s)

    def spent(self, subject: str) -> None:
        """Count a request that was taken although nobody waited for it; a bucket is never emptier than empty."""
        if not self._interval_s:
            return
        now = self._clock.monotonic()
        arrival = max(self._next.get(subject, now), now) + self._interval_s
        self._next[subject] = min(arrival, now + self._tolerance_s + self._interval_s)
