"""How many requests a service takes: as many at a time as it can hold, and as many a second as it is given."""

import time
from collections.abc import Callable

RUNNING_MAX = 256
"""Requests at the same time; one more is refused while another instance could still take it."""
WAIT_MAX_S = 0.03
"""A request that would wait longer for its turn is refused at once, so that another instance can take it."""


class Admission:
    """Gives each request its turn.

    With a capacity the turns are evenly spaced, so that an instance does the same on any machine, and several on one
    machine do as much together as on several machines.

    Args:
        capacity_per_s: turns a second; 0: each request has its turn at once.
        now_s: the clock.
    """

    def __init__(self, capacity_per_s: float = 0.0, now_s: Callable[[], float] = time.monotonic) -> None:
        self._apart_s = 1 / capacity_per_s if capacity_per_s else 0.0
        self._now_s = now_s
        self._next_s = 0.0

    def wait_s(self, running: int) -> float | None:
        """How long a request has to wait for its turn, which it has then. None: it has to go elsewhere.

        Args:
            running: how many have been taken and have no reply yet.
        """
        if running >= RUNNING_MAX:
            return None
        if not self._apart_s:
            return 0.0
        now_s = self._now_s()
        turn_s = max(now_s, self._next_s)
        if turn_s - now_s > WAIT_MAX_S:
            return None
        self._next_s = turn_s + self._apart_s
        return turn_s - now_s
