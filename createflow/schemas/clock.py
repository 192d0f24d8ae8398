"""Time as a protocol, so that waiting and expiry can be tested with a fake clock."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """A time source: ``monotonic`` for durations, ``wall`` for timestamps."""

    def monotonic(self) -> float:
        """Seconds that never decrease."""

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC."""

    async def sleep(self, seconds: float) -> None:
        """Sleep for this many seconds."""


class SystemClock:
    """The time of the machine."""

    def monotonic(self) -> float:
        """Seconds that never decrease."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Sleep for this many seconds."""
        await asyncio.sleep(seconds)
