"""The time during which a check waits for the limit that the profile declares: it is not the check's own."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SLOW_S = 1.0
"""A reply that takes longer is late by what a check cannot help: a target with one thread, or a busy machine."""


class Waiting:
    """Puts the end of a check off for as long as it waits.

    Args:
        limit: when the check ends at the latest.
        longest_s: how much later that may become.
        slow_s: how much later by slow replies.
    """

    def __init__(self, limit: asyncio.Timeout, longest_s: float, slow_s: float = 0.0) -> None:
        self._limit = limit
        self._left_s = longest_s
        self._slow_s = slow_s
        self._waiting = 0
        self._since_s = 0.0
        self._due_s: float | None = None
        self.total_s = 0.0
        """So long it has waited. What several of its requests wait at the same time counts once."""

    def begin(self) -> None:
        """A request waits from now on."""
        self._waiting += 1
        if self._waiting == 1:
            self._since_s = asyncio.get_running_loop().time()
            self._due_s = self._limit.when()
            self._reschedule(self._left_s)

    def end(self) -> None:
        """It waits no more."""
        self._waiting -= 1
        if self._waiting == 0:
            waited_s = asyncio.get_running_loop().time() - self._since_s
            used_s = min(waited_s, self._left_s)
            self.total_s += waited_s
            self._left_s -= used_s
            self._reschedule(used_s)

    def answered(self, after_s: float) -> None:
        """A reply came after so long. A slow one puts the end off: the check goes on while the target answers."""
        due_s = self._limit.when()
        if after_s < _SLOW_S or due_s is None or self._limit.expired():
            return
        later_s = min(after_s, self._slow_s)
        self._slow_s -= later_s
        self._limit.reschedule(due_s + later_s)
        if self._due_s is not None:
            self._due_s += later_s

    def close(self) -> None:
        """The check has ended. What still waits is none of it."""
        self._due_s = None
        self._left_s = self._slow_s = 0.0

    def _reschedule(self, later_s: float) -> None:
        if self._due_s is not None and not self._limit.expired():
            self._limit.reschedule(self._due_s + later_s)


WAITING: ContextVar[Waiting | None] = ContextVar("waiting", default=None)
"""Of the check whose requests are sent."""


@contextmanager
def waits() -> Iterator[None]:
    """A request of the current check waits within the block."""
    waiting = WAITING.get()
    if waiting is None:
        yield
        return
    waiting.begin()
    try:
        yield
    finally:
        waiting.end()


@contextmanager
def answering() -> Iterator[None]:
    """The current check waits for a reply within the block; an error says that none came."""
    start_s = time.monotonic()
    yield
    waiting = WAITING.get()
    if waiting is not None:
        waiting.answered(time.monotonic() - start_s)
