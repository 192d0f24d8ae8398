"""Hands arrivals to senders: in an open loop by a schedule, in a closed loop whenever a client is free.

An open loop never waits for a reply and never moves the schedule. In a closed loop each sender is a client that sends
its next request when it has received the reply. That shows the throughput of so many clients, but not how long a user
waits: a target that stalls receives fewer requests, so few of its slow replies are measured (coordinated omission, Gil
Tene, "How NOT to Measure Latency", 2013).
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count
from time import perf_counter
from typing import Any

import gevent
from gevent.event import Event

from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.plan.messages import NodeConfig
from createflow.scenarios.load.plan.mix import assign_operations
from createflow.scenarios.load.plan.schedule import Arrival

_MIN_TIMER_S = 1e-6
"""A timer must be above zero, and the loop checks its sockets before it fires."""
_MAX_BURST = 16
"""Arrivals handed out at once before the loop reads replies again."""


class Dispatch(ABC):
    """What both loops share: requests in flight, free senders, stop and drain.

    Free senders are kept on a stack, so that few connections are used often. With a queue each connection would be idle
    until the server closes it, and the next POST on it would fail.
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
        self.schedule_ended = Event()
        """Set when no more arrivals will be due: the schedule ended, or the run was stopped."""
        self.peak_in_flight = 0
        self.ended_s = 0.0

    @property
    def idle(self) -> int:
        """Number of free senders."""
        return len(self._idle)

    @property
    def in_flight(self) -> int:
        """Number of requests without a reply yet."""
        return len(self._in_flight)

    @property
    def backlog(self) -> int:
        """Number of due arrivals that wait for a free sender."""
        return 0

    def now_s(self) -> float:
        """Seconds since the start of the run."""
        return perf_counter() - self._t0

    @abstractmethod
    def start(self, t0: float) -> None:
        """Start at ``t0`` on ``time.perf_counter``. The loop runs until its end or ``stop``."""

    @abstractmethod
    def next_arrival(self) -> Arrival | None:
        """The next arrival for the calling sender, which sleeps until there is one. None: the run is over."""

    def start_request(self, arrival: Arrival) -> float:
        """The caller sends the request now. Returns the time, in seconds since the start of the run."""
        sent_s = perf_counter() - self._t0
        in_flight = self._in_flight
        in_flight[arrival.k] = (arrival, sent_s)
        self.peak_in_flight = max(self.peak_in_flight, len(in_flight))
        self._recorder.record_sent(arrival, sent_s)
        return sent_s

    @property
    def may_send_again(self) -> bool:
        """The run goes on."""
        return not self._stopping and not self._closed

    def finish_request(self, arrival: Arrival) -> bool:
        """The caller has an outcome. Returns False when the run is over and the arrival was counted as unfinished."""
        return self._in_flight.pop(arrival.k, None) is not None

    def stop(self) -> None:
        """Send no more requests."""
        if self._stopping:
            return
        self._stopping = True
        self._recorder.end_window(self.now_s())
        self._end()

    def drain(self, timeout_s: Callable[[], float]) -> None:
        """Wait for the replies, then stop and count every request without one as unfinished.

        Args:
            timeout_s: how long to wait, which may become less meanwhile.
        """
        began = perf_counter()
        while (self._in_flight or self.backlog) and perf_counter() < began + timeout_s():
            gevent.sleep(0.01)
        self.stop()
        self._closed = True
        now_s = self.now_s()
        for arrival, sent_s in self._in_flight.values():
            self._recorder.record_unfinished(arrival, sent_s, now_s)
        self._in_flight.clear()
        while self._idle:
            self._hub.loop.run_callback(self._idle.pop().switch, None)

    def _wait(self) -> Arrival | None:
        """Let the calling sender sleep until it gets an arrival or the run is over."""
        if self._closed:
            return None
        current = gevent.getcurrent()
        self._idle.append(current)
        try:
            arrival: Arrival | None = self._hub.switch()
        except BaseException:
            self._idle.remove(current)
            raise
        return arrival

    def _at(self, due_s: float, callback: Callable[[], None]) -> None:
        """Have the event loop call ``callback`` at this time, in the hub, where nothing may block."""
        if self._timer is not None:
            self._timer.close()
        self._timer = self._hub.loop.timer(max(_MIN_TIMER_S, due_s - self.now_s()))
        self._timer.start(callback)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        self.ended_s = self.ended_s or self.now_s()
        self.schedule_ended.set()


class OpenLoop(Dispatch):
    """Sends by a schedule, whatever the replies do.

    The pacer is a timer of the event loop, not a greenlet: it switches to a free sender, which comes back as soon as it
    waits for its reply. When no sender is free, one more is started. When none may be, arrivals wait in order with
    their own due times, and are given up when they are older than ``max_backlog_age_s``; with ``drop`` they are dropped
    at once.

    Args:
        arrivals: in the order of their due times.
        recorder: of what happens to each.
        max_backlog_age_s: an arrival that waits longer is given up.
        drop: drop an arrival that finds no free sender.
        start_sender: starts one more sender, which asks for an arrival soon. Returns whether it did.
    """

    def __init__(
        self,
        arrivals: Iterator[Arrival],
        recorder: Recorder,
        *,
        max_backlog_age_s: float,
        drop: bool = False,
        start_sender: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(recorder)
        self._arrivals = arrivals
        self._start_sender = start_sender
        self._max_backlog_age_s = max_backlog_age_s
        self._drop = drop
        self._backlog: deque[Arrival] = deque()
        self._next: Arrival | None = None

    @property
    def backlog(self) -> int:
        """Number of due arrivals that wait for a free sender."""
        return len(self._backlog)

    def start(self, t0: float) -> None:
        """Run the schedule from ``t0`` on ``time.perf_counter``."""
        self._t0 = t0
        self._next = next(self._arrivals, None)
        self._set_timer()

    def next_arrival(self) -> Arrival | None:
        """The oldest arrival of the backlog, or the next one that is due."""
        while self._backlog:
            arrival = self._backlog.popleft()
            if self.now_s() - arrival.due_s <= self._max_backlog_age_s:
                return arrival
            self._recorder.record_not_sent(arrival)
        return self._wait()

    def stop(self) -> None:
        """Send no more requests. The backlog is counted as not sent."""
        super().stop()
        while self._backlog:
            self._recorder.record_not_sent(self._backlog.popleft())

    def _set_timer(self) -> None:
        if self._next is None:
            self._end()
        else:
            self._at(self._next.due_s, self._on_time)

    def _on_time(self) -> None:
        t0 = self._t0
        try:
            for _ in range(_MAX_BURST):
                arrival, now_s = self._next, perf_counter() - t0
                if arrival is None or arrival.due_s > now_s or self._stopping:
                    break
                self._next = next(self._arrivals, None)
                self._recorder.record_due(arrival, now_s)
                if self._idle:
                    self._idle.pop().switch(arrival)
                elif self._start_sender() or not self._drop:
                    self._backlog.append(arrival)
                else:
                    self._recorder.record_dropped(arrival)
        finally:
            if not self._stopping:
                self._set_timer()


class ClosedLoop(Dispatch):
    """Every sender is a client: an arrival is due when a client is free, from the start of the run to its end."""

    def __init__(self, config: NodeConfig, recorder: Recorder) -> None:
        super().__init__(recorder)
        self._arrivals = assign_operations(self._numbered(config.index, config.node_count), config.pattern)
        self._end_s = config.schedule.duration_s
        self._running = False

    def start(self, t0: float) -> None:
        """Start all clients at ``t0`` on ``time.perf_counter``."""
        self._t0 = t0
        self._at(0.0, self._begin)

    def next_arrival(self) -> Arrival | None:
        """An arrival that is due now, until the run ends."""
        return self._due_now() if self._running else self._wait()

    def _begin(self) -> None:
        self._running = True
        clients, self._idle = self._idle, []
        for client in clients:
            client.switch(self._due_now())
        self._at(self._end_s, self._end)

    def _end(self) -> None:
        self._running = False
        super()._end()

    def _due_now(self) -> Arrival:
        arrival = next(self._arrivals)
        self._recorder.record_due(arrival, arrival.due_s)
        return arrival

    def _numbered(self, index: int, node_count: int) -> Iterator[Arrival]:
        for number in count():
            yield Arrival(index + number * node_count, self.now_s())
