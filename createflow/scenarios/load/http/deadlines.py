"""Ends exchanges that take too long, with one timer for all connections of a load worker."""

import math
from time import perf_counter
from typing import Protocol

import gevent

_RESOLUTION_S = 0.01


class DeadlinePassed(BaseException):
    """Thrown into a greenlet whose exchange has passed its deadline.

    It is not an ``Exception``, so that no handler on the way catches it.
    """


class HasDeadline(Protocol):
    """A connection, as far as deadlines are concerned."""

    deadline_s: float
    """On ``time.perf_counter``; infinite while no exchange is in progress."""

    def on_deadline(self) -> None:
        """The deadline has passed. Called in the hub, where nothing may block."""


class Deadlines:
    """The deadlines of all connections of a load worker.

    The timer runs until the earliest deadline that was known when it last fired. An exchange that starts later has a
    later deadline, because every timeout is at least the shortest one. So a request costs nothing but storing its own
    deadline, and the connections are scanned about once per timeout.
    """

    def __init__(self) -> None:
        self._loop = gevent.get_hub().loop
        self._watched: dict[HasDeadline, None] = {}
        self._shortest_s = math.inf
        self._timer = self._loop.timer(0)
        self._due_s = math.inf

    def watch(self, watched: HasDeadline, timeout_s: float) -> None:
        """Watch a connection whose deadlines are at least ``timeout_s`` ahead when they are set."""
        self._watched[watched] = None
        self._shortest_s = min(self._shortest_s, timeout_s)
        self.check_by(perf_counter() + self._shortest_s)

    def check_by(self, deadline_s: float) -> None:
        """Check the deadlines at this time at the latest: for one that is nearer than its owner's ``timeout_s``."""
        if deadline_s < self._due_s:
            self._set_timer(deadline_s)

    def _check(self) -> None:
        now_s = perf_counter()
        self._due_s = math.inf
        nearest_s = now_s + self._shortest_s
        for watched in tuple(self._watched):
            if watched.deadline_s <= now_s:
                watched.on_deadline()
            else:
                nearest_s = min(nearest_s, watched.deadline_s)
        if self._watched:
            self.check_by(nearest_s)

    def _set_timer(self, due_s: float) -> None:
        self._due_s = due_s
        self._timer.close()
        self._timer = self._loop.timer(max(due_s - perf_counter(), _RESOLUTION_S))
        self._timer.start(self._check, update=True)
