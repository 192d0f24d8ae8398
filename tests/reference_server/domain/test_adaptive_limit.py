"""The limit of requests under way, on a queue whose time the test moves."""

import heapq
import random
from dataclasses import dataclass, field

import pytest

from createflow.reference_server.domain.adaptive_limit import (
    INTERVAL_S,
    LIMIT_MAX,
    LIMIT_MIN,
    QUEUE_MIN,
    TARGET_MAX_S,
    TARGET_S,
    AdaptiveLimit,
)
from tests.fake_clock import FakeClock


@dataclass
class Server:
    """Works off one request after the other, behind a limit; each also takes a fixed time that no other shares.

    Args:
        per_s: how many it can do a second.
        fixed_s: of each request, beside its turn.
        patience_s: it refuses what would wait longer for its turn, as an instance with a capacity does.
    """

    per_s: float
    fixed_s: float = 0.015
    patience_s: float = 60.0
    clock: FakeClock = field(default_factory=FakeClock)
    took_s: list[float] = field(default_factory=list)
    refused: int = 0
    crowded_out: int = 0

    def __post_init__(self) -> None:
        self.limit = AdaptiveLimit(self.clock)
        self._free_at_s = 0.0
        self._running: list[tuple[float, float, bool]] = []

    def forget(self) -> None:
        """Count anew."""
        self.took_s, self.refused, self.crowded_out = [], 0, 0

    def offer(self, rate_per_s: float, seconds: float, seed: int = 1) -> None:
        """Send requests at random times with this mean rate."""
        random_ = random.Random(seed)  # noqa: S311 - the same each time
        end_s = self.clock.monotonic() + seconds
        while (now_s := self.clock.monotonic() + random_.expovariate(rate_per_s)) < end_s:
            self._run_until(now_s)
            self._arrive(now_s)
        self._run_until(end_s)

    def _arrive(self, now_s: float) -> None:
        if not self.limit.admit():
            self.refused += 1
            return
        turn_s = max(now_s, self._free_at_s)
        is_taken = turn_s - now_s <= self.patience_s
        if is_taken:
            self._free_at_s = turn_s + 1 / self.per_s
        heapq.heappush(self._running, ((turn_s if is_taken else now_s) + self.fixed_s, now_s, is_taken))

    def _run_until(self, now_s: float) -> None:
        while self._running and self._running[0][0] <= now_s:
            ended_s, begun_s, is_taken = heapq.heappop(self._running)
            self.clock.advance(ended_s - self.clock.monotonic())
            self.limit.record(ended_s - begun_s, accepted=is_taken, busy=not is_taken)
            if is_taken:
                self.took_s.append(ended_s - begun_s)
            else:
                self.crowded_out += 1
        self.clock.advance(now_s - self.clock.monotonic())


def p99(values: list[float]) -> float:
    """Their 99th percentile."""
    return sorted(values)[int(len(values) * 0.99)]


@pytest.mark.parametrize("factor", [1.5, 3.0, 10.0])
@pytest.mark.parametrize("per_s", [150, 1000])
def test_under_overload_it_does_what_it_can_and_nobody_waits_long(per_s: int, factor: float) -> None:
    """The queue is short, and never empty."""
    server = Server(per_s)
    server.offer(per_s * factor, 5.0)
    server.forget()
    server.offer(per_s * factor, 20.0)
    assert len(server.took_s) > 20 * per_s * 0.95
    assert p99(server.took_s) < 0.15


@pytest.mark.parametrize("factor", [1.5, 3.0, 10.0])
def test_instances_with_a_capacity_are_not_asked_in_vain(factor: float) -> None:
    """They refuse instead of letting requests wait; the limit follows their refusals."""
    server = Server(300, patience_s=0.03)
    server.offer(300 * factor, 3.0)
    server.forget()
    server.offer(300 * factor, 20.0)
    assert len(server.took_s) > 20 * 300 * 0.9
    assert server.crowded_out < len(server.took_s) * 0.25


def test_without_overload_nothing_is_refused() -> None:
    """Not even a burst that is worked off before it is a delay that lasts."""
    server = Server(1000)
    server.offer(800, 20.0)
    for _ in range(150):
        server._arrive(server.clock.monotonic())
    server.offer(100, 1.0)
    assert (server.refused, server.limit.limit) == (0, LIMIT_MAX)
    assert not server.limit.is_limiting


def test_after_overload_all_is_as_before() -> None:
    """No longer than two seconds later, and nothing that comes after the first is refused."""
    server = Server(200)
    server.offer(600, 5.0)
    assert server.limit.is_limiting
    assert server.limit.limit < LIMIT_MAX
    server.offer(100, 1.0)
    server.forget()
    server.offer(100, 1.0)
    assert (server.refused, server.limit.limit) == (0, LIMIT_MAX)
    assert p99(server.took_s) < 0.1


def test_a_short_stall_is_no_overload() -> None:
    """All that was under way has taken long, once."""
    server = Server(500)
    server.offer(300, 3.0)
    server._free_at_s = server.clock.monotonic() + INTERVAL_S
    server.offer(300, 3.0)
    assert (server.refused, server.limit.is_limiting) == (0, False)


def test_requests_that_take_long_by_themselves_are_not_taken_for_a_queue() -> None:
    """Such as where each commit is slow: fewer at a time would only be fewer."""
    server = Server(1000, fixed_s=TARGET_S * 1.1)
    server.offer(500, 20.0)
    assert server.refused == 0
    server.offer(3000, 5.0)
    server.forget()
    server.offer(3000, 10.0)
    assert len(server.took_s) > 10 * 1000 * 0.9
    assert server.limit.limit >= 1000 * TARGET_S


def test_when_nothing_is_answered_the_limit_stays() -> None:
    """A store that does not answer is told by the circuit breaker; how much may be under way is not known better."""
    clock = FakeClock()
    limit = AdaptiveLimit(clock)
    for _ in range(20):
        assert limit.admit()
    clock.advance(2.0)
    for _ in range(20):
        limit.record(2.0, accepted=False)
    clock.advance(2.0)
    assert limit.admit()
    assert limit.limit == LIMIT_MAX


def test_a_request_that_has_waited_too_long_is_refused_under_overload_only() -> None:
    """It would be answered late; without overload, the wait was a stall."""
    server = Server(200)
    assert server.limit.admit(waited_s=5.0)
    server.limit.record(5.0, accepted=True)
    server.offer(600, 5.0)
    assert server.limit.is_limiting
    server._run_until(server.clock.monotonic() + 0.09)
    assert not server.limit.admit(waited_s=TARGET_MAX_S + 0.001)
    assert server.limit.admit(waited_s=0.001)


def test_some_requests_are_always_admitted() -> None:
    """Otherwise nothing would tell when there is room again."""
    server = Server(2)
    server.offer(500, 30.0)
    assert LIMIT_MIN <= server.limit.limit < 50
    assert len(server.took_s) > 10


def test_a_few_slow_requests_are_no_overload() -> None:
    """However slow they are: the next burst may be what the machine can do well."""
    server = Server(20)
    for _ in range(40):
        for _ in range(QUEUE_MIN - 1):
            server._arrive(server.clock.monotonic())
        server._run_until(server.clock.monotonic() + 1.0)
    assert min(server.took_s) < TARGET_S < max(server.took_s)
    assert (server.refused, server.limit.limit) == (0, LIMIT_MAX)


@pytest.mark.parametrize(("quickest_s", "is_queue"), [(0.3, True), (0.01, False)])
def test_only_what_delays_all_is_a_queue(quickest_s: float, *, is_queue: bool) -> None:
    """One request that is answered quickly has met no queue, however long the others take."""
    clock = FakeClock()
    limit = AdaptiveLimit(clock)
    for _ in range(180):
        assert limit.admit()
    for _ in range(10):
        clock.advance(0.1)
        for took_s in (0.3, 0.3, 0.3, quickest_s):
            limit.record(took_s, accepted=True)
            limit.admit()
    assert limit.is_limiting == is_queue


@pytest.mark.parametrize(("under_way", "is_queue"), [(120, False), (180, True)])
def test_a_burst_is_worked_off(under_way: int, *, is_queue: bool) -> None:
    """On a slow machine all of it takes long; that is no overload."""
    clock = FakeClock()
    limit = AdaptiveLimit(clock)
    for _ in range(under_way):
        assert limit.admit()
    for _ in range(10):
        clock.advance(0.1)
        for _ in range(5):
            limit.record(0.3, accepted=True)
            limit.admit()
    assert limit.is_limiting == is_queue
