"""Hands due arrivals to free senders: the pacer never waits for a reply, and never moves the schedule."""

from collections import deque
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import gevent
from gevent.event import Event

from createflow.scenarios.load.recorder import Recorder
from createflow.scenarios.load.schedule import Arrival

_BURST = 16
"""Arrivals handed out in one go before replies get a chance to be read."""
_AGAIN_S = 1e-6
"""A timer needs some time, and the loop looks at its sockets before it fires."""


class Dispatcher:
    """Arrivals in, senders out.

    The pacer is a timer of the event loop, not a greenlet: it switches to a free sender, which comes back as soon as it
    waits for its reply. Free senders stand on a stack, so few connections stay hot; a queue would let each go cold
    until the server closes it, and the next POST on it would fail. When none is free, arrivals wait in order, each with
    its own due time, and are given up once they are older than ``max_backlog_age_s``; or they are dropped at once.
    """

    def __init__(
        self, arrivals: Iterator[Arrival], recorder: Recorder, *, max_backlog_age_s: float, drop: bool = False
    ) -> None:
        self._arrivals = arrivals
        self._recorder = recorder
        self._max_backlog_age_s = max_backlog_age_s
        self._drop = drop
        self._hub: Any = gevent.get_hub()
        self._idle: list[gevent.Greenlet] = []
        self._backlog: deque[Arrival] = deque()
        self._in_flight: dict[int, tuple[Arrival, float]] = {}
        self._next: Arrival | None = None
        self._timer: Any = None
        self._t0 = 0.0
        self._stopping = False
        self._closed = False
        self.paced = Event()
        """Set when the schedule has been run to its end, or to where it was stopped."""
        self.peak_in_flight = 0
        self.ended_s = 0.0

    @property
    def idle(self) -> int:
        """Senders that wait for something to do."""
        return len(self._idle)

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
        return perf_counter() - self._t0

    def start(self, t0: float) -> None:
        """Run the schedule from ``t0`` (of ``time.perf_counter``) to its end or to ``stop``."""
        self._t0 = t0
        self._next = next(self._arrivals, None)
        self._arm()

    def next_arrival(self) -> Arrival | None:
        """The next arrival for the calling sender; it sleeps until there is one. None: the run is over."""
        while self._backlog:
            arrival = self._backlog.popleft()
            if self.now_s() - arrival.due_s <= self._max_backlog_age_s:
                return arrival
            self._recorder.not_sent(arrival)
        if self._closed:
            return None
        current = gevent.getcurrent()
        self._idle.append(current)
        try:
            handed: Arrival | None = self._hub.switch()
        except BaseException:
            self._idle.remove(current)
            raise
        return handed

    def sending(self, arrival: Arrival) -> float:
        """The caller is about to send. Returns the time."""
        sent_s = perf_counter() - self._t0
        in_flight = self._in_flight
        in_flight[arrival.k] = (arrival, sent_s)
        self.peak_in_flight = max(self.peak_in_flight, len(in_flight))
        self._recorder.sent(arrival, sent_s)
        return sent_s

    def settled(self, arrival: Arrival) -> bool:
        """The caller has an outcome. False: the run has been closed and this arrival counted as unfinished."""
        return self._in_flight.pop(arrival.k, None) is not None

    def stop(self) -> None:
        """Send nothing more: what is due but unsent stays unsent."""
        if self._stopping:
            return
        self._stopping = True
        self._recorder.cut(self.now_s())
        while self._backlog:
            self._recorder.not_sent(self._backlog.popleft())
        self._end()

    def drain(self, timeout_s: float) -> None:
        """Wait until everything is answered, then close the books."""
        deadline = perf_counter() + timeout_s
        while (self._in_flight or self._backlog) and perf_counter() < deadline:
            gevent.sleep(0.01)
        self.stop()
        self._closed = True
        now_s = self.now_s()
        for arrival, sent_s in self._in_flight.values():
            self._recorder.unfinished(arrival, sent_s, now_s)
        self._in_flight.clear()
        while self._idle:
            self._hub.loop.run_callback(self._idle.pop().switch, None)

    def _arm(self) -> None:
        if self._next is None:
            self._end()
            return
        if self._timer is not None:
            self._timer.close()
        self._timer = self._hub.loop.timer(max(_AGAIN_S, self._next.due_s - self.now_s()))
        self._timer.start(self._on_time)

    def _on_time(self) -> None:
        """Called by the event loop, in the hub: nothing here may wait."""
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

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        self._next = None
        self.ended_s = self.ended_s or self.now_s()
        self.paced.set()
