"""How many requests may be under way at a time, from how long they take: it refuses what would only queue.

By Little's law, as many requests are under way as are answered a second, times how long each takes. So where each may
take ``TARGET_S``, no more than (answered a second) x ``TARGET_S`` may be under way: more of them would be answered no
faster, and only wait. As with CoDel, a delay counts only if it lasts: a burst that is worked off within an interval or
two is refused nothing.

Source: RFC 8289 §3 (CoDel: target, interval, standing queue); the gradient of TCP Vegas.
"""

import math

from createflow.schemas.clock import Clock

TARGET_S = 0.07
"""How long even the quickest request of an interval may take, from the balancer to the reply. Of a queue that stands,
all have to wait their turn; where only some take long, the machine did something else for a moment."""
TARGET_MAX_S = 0.09
"""The same where even a request that waits for no other takes long: three times its time, up to this."""
INTERVAL_S = 0.1
"""After each, what has ended in it is looked at."""
LASTING = 3
"""A delay in so many intervals one after the other is a queue. One that is shorter is a burst, or a machine that did
something else for a moment."""
_LASTING_BUSY = 2
"""The same for refusals by instances, which a stall does not cause."""
BUSY_RATIO = 0.1
"""Instances with a capacity do not make requests wait, they refuse. A larger share of refusals than this is too much
work, as a delay is; a smaller one is room that was just not there."""
LIMIT_MAX = 512
"""The limit while there is no overload."""
LIMIT_MIN = 8
QUEUE_MIN = 16
"""So many requests under way are no queue: if they take long, the machine is slow for other reasons, and it would do
less with fewer that share messages, statements and commits. So delays lower the limit to this at most. Only refusals by
instances with a capacity lower it further, and are overload only above this."""
CROWD_MIN = 128
"""So many requests under way are a burst: they are worked off, however long that takes on a slow machine. Delays are
overload only above this."""
CALM_S = 1.0
"""Overload has ended when the limit was not reached for so long."""
_SLACK = 2
"""The balancer counts more exactly than a gateway, which sees a reply before the balancer does. It is to refuse first,
since that costs the least."""
_FULL_RATIO = 0.75
_BASE_GROWTH = 1.01
"""The shortest time is forgotten within some ten seconds."""
_RATE_WEIGHT = 0.3
"""Of an interval, in the rate that is compared: those of single intervals differ by chance."""
_RATE_DECAY = 0.98
"""The highest rate counts, and is forgotten within some seconds: less is done while the machine does other things, and
a limit that followed it down would leave less to be done together, for which less would be done."""


class AdaptiveLimit:
    """Admits requests, and learns from how they end.

    It is not thread-safe: one event loop admits and records.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._limit = float(LIMIT_MAX)
        self._running = 0
        self._base_s = math.inf
        self._rate_per_s = 0.0
        self._highest_per_s = 0.0
        self._bad_intervals = 0
        self._is_limiting = False
        self.refused = 0
        """How many requests it has refused."""
        self._full_at_s = clock.monotonic()
        self._peak = 0
        self._shortest_s = math.inf
        self._begin(self._full_at_s)

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return int(self._limit)

    @property
    def is_limiting(self) -> bool:
        """Whether there is overload."""
        return self._is_limiting

    def admit(self, waited_s: float = 0.0) -> bool:
        """Whether a request may begin; if so, ``record`` has to be called when it has ended.

        Args:
            waited_s: how long it has waited since the balancer passed it on. Under overload, one that has spent the
                target in front of the gateway would be answered late, however fast it is now.
        """
        self._look()
        if self._running >= self._limit + _SLACK or (self._is_limiting and waited_s > self._target_s()):
            self.refused += 1
            self._peak = max(self._peak, self._running, self.limit)
            return False
        self._running += 1
        self._peak = max(self._peak, self._running)
        return True

    def record(self, took_s: float, *, accepted: bool, busy: bool = False) -> None:
        """Record how an admitted request ended.

        Args:
            took_s: since the balancer passed it on.
            accepted: it was carried out.
            busy: no instance had room for it. Other refusals say nothing of how much there is to do.
        """
        self._running -= 1
        if accepted:
            self._accepted += 1
            self._shortest_s = min(self._shortest_s, took_s)
        self._busy += busy
        self._look()

    def _begin(self, now_s: float) -> None:
        self._begun_s = now_s
        self._accepted = 0
        self._busy = 0
        self._shortest_s = math.inf
        self._peak = self._running

    def _target_s(self) -> float:
        return max(TARGET_S, min(TARGET_MAX_S, 3 * self._base_s))

    def _look(self) -> None:
        """Set the limit anew when an interval is over."""
        now_s = self._clock.monotonic()
        elapsed_s = now_s - self._begun_s
        if elapsed_s < INTERVAL_S:
            return
        self._base_s = min(self._base_s * _BASE_GROWTH, self._shortest_s)
        target_s = self._target_s()
        too_slow = self._accepted > 0 and self._shortest_s > target_s
        too_busy = self._busy > BUSY_RATIO * (self._accepted + self._busy)
        self._rate_per_s += _RATE_WEIGHT * (self._accepted / elapsed_s - self._rate_per_s)
        self._highest_per_s = max(self._highest_per_s * _RATE_DECAY, self._rate_per_s)
        fitting = self._highest_per_s * target_s
        is_full = self._peak >= self._limit * _FULL_RATIO
        if is_full:
            self._full_at_s = now_s
        if too_slow or too_busy:
            self._bad_intervals += 1
            if self._is_limiting and too_busy:
                self._set(max(self._limit * 0.9, fitting / 4))
            elif self._lasts(too_busy=too_busy):
                self._lower(fitting)
                self._full_at_s = now_s
        elif self._accepted or not self._running:  # otherwise nothing is known of those that are under way
            self._bad_intervals = 0
            if self._is_limiting and now_s - self._full_at_s > CALM_S:
                self._is_limiting = False
                self._set(LIMIT_MAX)
            elif self._is_limiting and is_full:
                self._set(self._limit * 1.1 + 0.5)
        self._begin(now_s)

    def _set(self, limit: float) -> None:
        self._limit = max(float(LIMIT_MIN), min(float(LIMIT_MAX), limit))

    def _lasts(self, *, too_busy: bool) -> bool:
        """Whether there is overload: for so long, and with so much under way, that it is no chance."""
        lasting, crowd = (_LASTING_BUSY, QUEUE_MIN) if too_busy else (LASTING, CROWD_MIN)
        return self._bad_intervals >= lasting and (self._is_limiting or self._peak >= crowd)

    def _lower(self, fitting: float) -> None:
        lowered = min(self._limit, max(fitting, QUEUE_MIN))
        self._set((self._limit + lowered) / 2 if self._is_limiting else lowered)
        self._is_limiting = True
