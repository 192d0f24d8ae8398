"""What a process did last: whether it succeeded, and how long ago. Readiness is this, not what once was true."""

import time
from collections.abc import Callable

TELL_EVERY_S = 10.0


class Progress:
    """The last outcome of something that is done again and again.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._succeeded_at: float | None = None
        self._failed_at: float | None = None
        self._told_at: float | None = None

    def succeeded(self) -> None:
        """Record a success."""
        self._succeeded_at = self._clock()
        self._failed_at = self._told_at = None

    def failed(self) -> bool:
        """Record a failure; whether to tell of it: of the first, and then every ``TELL_EVERY_S``."""
        now = self._failed_at = self._clock()
        if self._told_at is not None and now - self._told_at < TELL_EVERY_S:
            return False
        self._told_at = now
        return True

    @property
    def is_failing(self) -> bool:
        """Whether the last outcome is a failure."""
        return self._failed_at is not None

    def has_failed_within(self, limit_s: float) -> bool:
        """Whether the last outcome is a failure, and not older than this."""
        return self._failed_at is not None and self._clock() - self._failed_at < limit_s

    def has_succeeded_within(self, limit_s: float) -> bool:
        """Whether the last outcome is a success, and not older than this."""
        return not self.is_failing and self.since_success_s < limit_s

    @property
    def since_success_s(self) -> float:
        """How long ago the last success was; infinite if there was none."""
        return float("inf") if self._succeeded_at is None else self._clock() - self._succeeded_at
