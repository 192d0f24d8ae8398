"""A circuit breaker: after many failures calls are refused for a while, then a few are let through as probes."""

from collections import deque

from createflow.schemas.clock import Clock

WINDOW_S = 5.0
MIN_VOLUME = 10
FAILURE_RATIO = 0.5
OPEN_S = 0.5
OPEN_MAX_S = 2.0
"""What is back is used again after this time at the latest."""
PROBES = 2
"""Calls at the same time while half-open. Without a limit, a service that recovers would get the whole load at once."""


class CircuitOpenError(Exception):
    """The call is refused; ``wait_s`` says when to try again."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"the circuit is open for another {wait_s:.2f} s")
        self.wait_s = wait_s


class CircuitBreaker:
    """Opens at a failure when at least ``MIN_VOLUME`` calls ended within ``WINDOW_S`` and half or more of them failed.

    It is not thread-safe: one event loop admits and records.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: deque[tuple[float, bool]] = deque(maxlen=1000)
        self._failures = 0
        self._open_until: float | None = None
        self._open_s = OPEN_S
        self._probes = 0
        self._generation = 0
        self.opened = 0
        """How often it has opened."""

    @property
    def is_open(self) -> bool:
        """Whether calls are refused, or only probes are admitted (half-open)."""
        return self._open_until is not None

    def admit(self) -> int:
        """Admit one call; pass the returned generation to ``record`` when the call has ended.

        Raises:
            CircuitOpenError: the call is refused.
        """
        if self._open_until is not None:
            wait_s = self._open_until - self._clock.monotonic()
            if wait_s > 0:
                raise CircuitOpenError(wait_s)
            if self._probes >= PROBES:
                raise CircuitOpenError(OPEN_S)
            self._probes += 1
        return self._generation

    def record(self, generation: int, *, healthy: bool | None) -> None:
        """Record how the call ended; None when that is unknown, for example because the client went away.

        A call of an earlier generation began before the breaker opened or closed, and is ignored.
        """
        if generation != self._generation:
            return
        if self._open_until is None:
            if healthy is not None:
                self._count(healthy=healthy)
            return
        self._probes -= 1
        if healthy:
            self._generation += 1
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
        # A success never opens it: what has recovered would be refused once the successes before the failures are old.
        if not healthy and len(calls) >= MIN_VOLUME and self._failures >= len(calls) * FAILURE_RATIO:
            self._open()

    def _open(self) -> None:
        self._open_until = self._clock.monotonic() + self._open_s
        self.opened += 1
        self._generation += 1
        self._calls.clear()
        self._failures = 0
        self._probes = 0
