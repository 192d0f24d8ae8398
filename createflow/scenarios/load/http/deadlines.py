"""Ends exchanges that take too long, without a timer for each."""

import math
from time import perf_counter
from typing import Protocol

import gevent

_RESOLUTION_S = 0.01


class Overdue(BaseException):
    """Thrown into a greenlet whose exchange is past its deadline. No ``Exception``: nothing in between may catch it."""


class Watched(Protocol):
    """What a watchdog looks after."""

    deadline_s: float
    """Of ``time.perf_counter``; infinite while nothing is under way."""

    def overdue(self) -> None:
        """The deadline has passed. Called in the hub."""


class Watchdog:
    """One for all connections of a node.

    It sleeps until the first deadline of what was under way when it last looked. What began later has a later deadline
    than the shortest timeout from then, so it need not be told of each request: a request costs nothing but the note of
    its own deadline, and hundreds of connections are looked through about once per timeout.
    """

    def __init__(self) -> None:
        self._loop = gevent.get_hub().loop
        self._watched: dict[Watched, None] = {}
        self._shortest_s = math.inf
        self._timer = self._loop.timer(0)
        self._due_s = math.inf

    def watch(self, watched: Watched, timeout_s: float) -> None:
        """Look after this one, whose deadlines lie at least ``timeout_s`` ahead when they are set."""
        self._watched[watched] = None
        self._shortest_s = min(self._shortest_s, timeout_s)
        self.expect(perf_counter() + self._shortest_s)

    def forget(self, watched: Watched) -> None:
        """It is gone."""
        self._watched.pop(watched, None)

    def expect(self, deadline_s: float) -> None:
        """Be awake by then: for a deadline that is nearer than its owner's ``timeout_s``."""
        if deadline_s < self._due_s:
            self._sleep_until(deadline_s)

    def _look(self) -> None:
        now_s = perf_counter()
        self._due_s = math.inf
        nearest_s = now_s + self._shortest_s
        for watched in tuple(self._watched):
            if watched.deadline_s <= now_s:
                watched.overdue()
            else:
                nearest_s = min(nearest_s, watched.deadline_s)
        if self._watched:
            self.expect(nearest_s)

    def _sleep_until(self, due_s: float) -> None:
        self._due_s = due_s
        self._timer.close()
        self._timer = self._loop.timer(max(due_s - perf_counter(), _RESOLUTION_S))
        self._timer.start(self._look, update=True)
