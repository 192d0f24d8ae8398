"""A circuit breaker: after many failures, stop asking for a moment, then ask carefully."""

from collections import deque

from createflow.schemas.clock import Clock

WINDOW_S = 5.0
MIN_VOLUME = 10
FAILURE_RATIO = 0.5
OPEN_S = 1.0
OPEN_MAX_S = 5.0
PROBES = 2
"""Calls let through at once when half-open; unbounded half-open is how breakers finish off what recovers."""


class BreakerOpenError(Exception):
    """Not now; ``wait_s`` says when it makes sense again."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"open for another {wait_s:.2f} s")
        self.wait_s = wait_s


class Breaker:
    """Opens when at least half of ``MIN_VOLUME`` or more calls of the last seconds failed.

    Not for threads: one event loop enters and leaves.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: deque[tuple[float, bool]] = deque(maxlen=1000)
        self._failures = 0
        self._open_until: float | None = None
        self._open_s = OPEN_S
        self._probes = 0
        self._era = 0
        self.opened = 0
        """How often it has opened."""

    @property
    def is_open(self) -> bool:
        """Whether calls are refused or only probes let through."""
        return self._open_until is not None

    def enter(self) -> int:
        """Ask to call; what is returned goes to ``leave``, which must follow.

        Raises:
            BreakerOpenError: not now.
        """
        if self._open_until is not None:
            wait_s = self._open_until - self._clock.monotonic()
            if wait_s > 0:
                raise BreakerOpenError(wait_s)
            if self._probes >= PROBES:
                raise BreakerOpenError(OPEN_S)
            self._probes += 1
        return self._era

    def leave(self, era: int, *, healthy: bool | None) -> None:
        """Say how the call went; None when that cannot be told, as when the caller went away.

        A call that began before the breaker last changed its mind says nothing about now.
        """
        if era != self._era:
            return
        if self._open_until is None:
            if healthy is not None:
                self._count(healthy=healthy)
            return
        self._probes -= 1
        if healthy:
            self._era += 1
            self._open_until = None
            self._open_s = OPEN_S
            self._probes = 0
        elif healthy is False:
            self._open_s = min(self._open_s * 2, OPEN_MAX_S)
            self._open()

    def _count(self, *, healthy: bool) -> None:
        now = self._clock.monotonic()
        calls = self._calls
        if len(calls) == calls.maxlen:
            self._failures -= not calls[0][1]
        calls.append((now, healthy))
        self._failures += not healthy
        while calls[0][0] < now - WINDOW_S:
            self._failures -= not calls.popleft()[1]
        if len(calls) >= MIN_VOLUME and self._failures >= len(calls) * FAILURE_RATIO:
            self._open()

    def _open(self) -> None:
        self._open_until = self._clock.monotonic() + self._open_s
        self.opened += 1
        self._era += 1
        self._calls.clear()
        self._failures = 0
        self._probes = 0
