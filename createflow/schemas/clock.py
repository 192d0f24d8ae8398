"""Time as a protocol, so that what waits or expires can be tested without waiting."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from.

    ``monotonic`` is for durations, ``wall`` (seconds since the epoch, UTC) for stamps that others read.
    """

    def monotonic(self) -> float:
        """Seconds that only ever grow."""

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC."""

    async def sleep(self, seconds: float) -> None:
        """Give way for this long."""


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Give way for this long."""
        await asyncio.sleep(seconds)


class FakeClock:
    """Time that moves only when told to; ``sleep`` moves it and returns at once."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self._now = start

    def monotonic(self) -> float:
        """The fake now."""
        return self._now

    def wall(self) -> float:
        """The fake now."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move time forward."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        """Move time forward and give way once, so that others see the new time."""
        self._now += seconds
        await asyncio.sleep(0)
