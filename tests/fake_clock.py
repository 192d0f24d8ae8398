"""A clock for tests."""

import asyncio


class FakeClock:
    """A clock that tests move. ``sleep`` advances it and returns at once."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self._now = start

    def monotonic(self) -> float:
        """The fake time."""
        return self._now

    def wall(self) -> float:
        """The fake time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Advance the clock."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        """Advance the clock and yield once, so that other tasks see the new time."""
        self._now += seconds
        await asyncio.sleep(0)
