"""Polls a sink until a condition holds or a deadline has passed."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from createflow.schemas.clock import Clock, SystemClock

Value = TypeVar("Value")

_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.1


async def eventually(
    read: Callable[[], Awaitable[Value]],
    holds: Callable[[Value], bool],
    *,
    within_s: float,
    clock: Clock | None = None,
) -> tuple[Value, bool]:
    """The last value read, and whether it held by the deadline.

    The value is read once more after the deadline, so that one late poll on a slow machine does not count as a late
    write.
    """
    clock = clock or SystemClock()
    deadline = clock.monotonic() + within_s
    pause_s = _FIRST_PAUSE_S
    while True:
        last_chance = clock.monotonic() >= deadline
        value = await read()
        if holds(value):
            return value, True
        if last_chance:
            return value, False
        await clock.sleep(min(pause_s, max(deadline - clock.monotonic(), 0)))
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
