"""Hands due arrivals to free senders: the pacer never waits for a reply, and never moves the schedule."""

import time
from collections import deque
from collections.abc import Iterator

import gevent
from gevent.hub import Waiter

from createflow.scenarios.load.recorder import Recorder
from createflow.scenarios.load.schedule import Arrival

_STOP_CHECK_S = 0.05
_BURST = 32
"""Arrivals handed out in one go before replies get a chance to be read."""


class Dispatcher:
    """Arrivals in, senders out.

    Free senders wait on a stack, so few connections stay hot; a queue would let each go cold until the server closes
    it, and the next POST on it would fail. When none is free, arrivals wait in order, each with its own due time, and
    are given up once they are older than ``max_backlog_age_s``.
    """

    def __init__(self, arrivals: Iterator[Arrival], recorder: Recorder, *, max_backlog_age_s: float) -> None:
        self._arrivals = arrivals
        self._recorder = recorder
        self._max_backlog_age_s = max_backlog_age_s
        self._idle: list[Waiter[Arrival | None]] = []
        self._backlog: deque[Arrival] = deque()
        self._handed: dict[int, Arrival] = {}
        self._in_flight: dict[int, tuple[Arrival, float]] = {}
        self._t0 = 0.0
        self._stopping = False
        self._closed = False
        self.peak_in_flight = 0
        self.ended_s = 0.0

    @property
    def in_flight(self) -> int:
        """Requests without a reply yet."""
        return len(self._in_flight)

    @property
    def backlog(self) -> int:
        """Due arrivals that wait for a sender."""
        return len(self._backlog)

    def now_s(self) -> float:
        """Seconds since the start of the run."""
        return time.perf_counter() - self._t0

    def pace(self, t0: float) -> None:
        """Run the schedule from ``t0`` (of ``time.perf_counter``) to its end or to ``stop``."""
        self._t0 = t0
        burst = 0
        for arrival in self._arrivals:
            while (wait_s := arrival.due_s - self.now_s()) > 0 and not self._stopping:
                gevent.sleep(min(wait_s, _STOP_CHECK_S))
                burst = 0
            if self._stopping:
                break
            burst += 1
            if burst > _BURST:
                # A pacer that is behind must not keep the replies from being read.
                gevent.sleep(0.0001)
                burst = 0
            self._recorder.due(arrival, self.now_s())
            self._hand_out(arrival)
        self.ended_s = self.now_s()

    def next_arrival(self) -> Arrival | None:
        """The next arrival for the calling sender; it sleeps until there is one. None: the run is over."""
        while self._backlog:
            arrival = self._backlog.popleft()
            if self.now_s() - arrival.due_s <= self._max_backlog_age_s:
                return arrival
            self._recorder.not_sent(arrival)
        if self._closed:
            return None
        waiter: Waiter[Arrival | None] = Waiter()
        self._idle.append(waiter)
        handed: Arrival | None = waiter.get()
        # Between the hand-out and this line the run may have been closed and the arrival counted as not sent.
        return handed if handed and self._handed.pop(handed.k, None) else None

    def sending(self, arrival: Arrival) -> float:
        """The caller is about to send. Returns the time."""
        sent_s = self.now_s()
        self._in_flight[arrival.k] = (arrival, sent_s)
        self.peak_in_flight = max(self.peak_in_flight, len(self._in_flight))
        self._recorder.sent(sent_s)
        return sent_s

    def settled(self, arrival: Arrival) -> bool:
        """The caller has an outcome. False: the run has been closed and this arrival counted as unfinished."""
        return self._in_flight.pop(arrival.k, None) is not None

    def stop(self) -> None:
        """Send nothing more: what is due but unsent stays unsent."""
        self._stopping = True
        self._recorder.cut(self.now_s())
        while self._backlog:
            self._recorder.not_sent(self._backlog.popleft())

    def drain(self, timeout_s: float) -> None:
        """Wait until everything is answered, then close the books."""
        deadline = time.perf_counter() + timeout_s
        while (self._in_flight or self._handed or self._backlog) and time.perf_counter() < deadline:
            gevent.sleep(0.01)
        self.stop()
        self._closed = True
        now_s = self.now_s()
        for arrival, sent_s in self._in_flight.values():
            self._recorder.unfinished(arrival, sent_s, now_s)
        self._in_flight.clear()
        for arrival in self._handed.values():
            self._recorder.not_sent(arrival)
        self._handed.clear()
        while self._idle:
            self._wake(self._idle.pop(), None)

    def _hand_out(self, arrival: Arrival) -> None:
        if self._idle:
            self._handed[arrival.k] = arrival
            self._wake(self._idle.pop(), arrival)
        else:
            self._backlog.append(arrival)

    @staticmethod
    def _wake(waiter: "Waiter[Arrival | None]", arrival: Arrival | None) -> None:
        # A waiter may be switched from the hub only; the hub runs this right after the pacer has given way.
        gevent.get_hub().loop.run_callback(waiter.switch, arrival)
