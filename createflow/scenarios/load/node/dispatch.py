"""What senders are given to send, and what of it is in flight; when there is something to send is for others to say."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from time import perf_counter
from typing import Any

import gevent
from gevent.event import Event

from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.plan.schedule import Arrival

_AGAIN_S = 1e-6
"""A timer needs some time, and the loop looks at its sockets before it fires."""


class Dispatch(ABC):
    """Arrivals out to senders, and their end: stop, drain, and closed books.

    Free senders stand on a stack, so few connections stay hot; a queue would let each go cold until the server closes
    it, and the next POST on it would fail.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._hub: Any = gevent.get_hub()
        self._idle: list[gevent.Greenlet] = []
        self._in_flight: dict[int, tuple[Arrival, float]] = {}
        self._timer: Any = None
        self._t0 = 0.0
        self._stopping = False
        self._closed = False
        self.paced = Event()
        """Set when nothing more will be due: the end was reached, or the run was stopped."""
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
        return 0

    def now_s(self) -> float:
        """Seconds since the start of the run."""
        return perf_counter() - self._t0

    @abstractmethod
    def start(self, t0: float) -> None:
        """Begin at ``t0`` (of ``time.perf_counter``); goes on to the end or to ``stop``."""

    @abstractmethod
    def next_arrival(self) -> Arrival | None:
        """The next arrival for the calling sender; it sleeps until there is one. None: the run is over."""

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
        self._end()

    def drain(self, timeout_s: float) -> None:
        """Wait until everything is answered, then close the books."""
        deadline = perf_counter() + timeout_s
        while (self._in_flight or self.backlog) and perf_counter() < deadline:
            gevent.sleep(0.01)
        self.stop()
        self._closed = True
        now_s = self.now_s()
        for arrival, sent_s in self._in_flight.values():
            self._recorder.unfinished(arrival, sent_s, now_s)
        self._in_flight.clear()
        while self._idle:
            self._hub.loop.run_callback(self._idle.pop().switch, None)

    def _wait(self) -> Arrival | None:
        """The calling sender sleeps until it is handed something, or until the run is over."""
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

    def _at(self, due_s: float, then: Callable[[], None]) -> None:
        """Have the event loop call ``then``, in the hub, where nothing may wait."""
        if self._timer is not None:
            self._timer.close()
        self._timer = self._hub.loop.timer(max(_AGAIN_S, due_s - self.now_s()))
        self._timer.start(then)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        self.ended_s = self.ended_s or self.now_s()
        self.paced.set()
