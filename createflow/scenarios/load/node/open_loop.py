"""Hands due arrivals to free senders: the pacer never waits for a reply, and never moves the schedule."""

from collections import deque
from collections.abc import Iterator
from time import perf_counter

from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.node.dispatch import Dispatch
from createflow.scenarios.load.plan.schedule import Arrival

_BURST = 16
"""Arrivals handed out in one go before replies get a chance to be read."""


class OpenLoop(Dispatch):
    """The schedule in, senders out.

    The pacer is a timer of the event loop, not a greenlet: it switches to a free sender, which comes back as soon as it
    waits for its reply. When none is free, arrivals wait in order, each with its own due time, and are given up once
    they are older than ``max_backlog_age_s``; or they are dropped at once.
    """

    def __init__(
        self, arrivals: Iterator[Arrival], recorder: Recorder, *, max_backlog_age_s: float, drop: bool = False
    ) -> None:
        super().__init__(recorder)
        self._arrivals = arrivals
        self._max_backlog_age_s = max_backlog_age_s
        self._drop = drop
        self._backlog: deque[Arrival] = deque()
        self._next: Arrival | None = None

    @property
    def backlog(self) -> int:
        """Due arrivals that wait for a sender."""
        return len(self._backlog)

    def start(self, t0: float) -> None:
        """Run the schedule from ``t0``."""
        self._t0 = t0
        self._next = next(self._arrivals, None)
        self._arm()

    def next_arrival(self) -> Arrival | None:
        """The oldest that waits, or the next to come."""
        while self._backlog:
            arrival = self._backlog.popleft()
            if self.now_s() - arrival.due_s <= self._max_backlog_age_s:
                return arrival
            self._recorder.not_sent(arrival)
        return self._wait()

    def stop(self) -> None:
        """Send nothing more; what waits for a sender will not be sent."""
        super().stop()
        while self._backlog:
            self._recorder.not_sent(self._backlog.popleft())

    def _arm(self) -> None:
        if self._next is None:
            self._end()
        else:
            self._at(self._next.due_s, self._on_time)

    def _on_time(self) -> None:
        t0 = self._t0
        try:
            for _ in range(_BURST):
                arrival, now_s = self._next, perf_counter() - t0
                if arrival is None or arrival.due_s > now_s or self._stopping:
                    break
                self._next = next(self._arrivals, None)
                self._recorder.due(arrival, now_s)
                if self._idle:
                    self._idle.pop().switch(arrival)
                elif self._drop:
                    self._recorder.dropped(arrival)
                else:
                    self._backlog.append(arrival)
        finally:
            if not self._stopping:
                self._arm()
