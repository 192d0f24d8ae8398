"""The breaker opens after failures, admits a few probes, and closes after a healthy one."""

import pytest

from createflow.reference_server.domain.circuit_breaker import (
    MIN_VOLUME,
    OPEN_MAX_S,
    OPEN_S,
    PROBES,
    CircuitBreaker,
    CircuitOpenError,
)
from tests.fake_clock import FakeClock


def _call(breaker: CircuitBreaker, *, healthy: bool | None, times: int = 1) -> None:
    for _ in range(times):
        breaker.record(breaker.admit(), healthy=healthy)


def _opened(clock: FakeClock) -> CircuitBreaker:
    breaker = CircuitBreaker(clock)
    _call(breaker, healthy=False, times=MIN_VOLUME)
    return breaker


def test_few_failures_do_not_open_it() -> None:
    """Below the least volume it stays closed."""
    breaker = CircuitBreaker(FakeClock())
    _call(breaker, healthy=False, times=MIN_VOLUME - 1)
    assert not breaker.is_open


def test_half_failing_opens_it_and_it_says_for_how_long() -> None:
    """At the ratio already."""
    breaker = CircuitBreaker(FakeClock())
    _call(breaker, healthy=True, times=MIN_VOLUME // 2)
    _call(breaker, healthy=False, times=MIN_VOLUME // 2)
    with pytest.raises(CircuitOpenError) as caught:
        breaker.admit()
    assert caught.value.wait_s == pytest.approx(OPEN_S)


def test_a_success_does_not_open_it() -> None:
    """After a recovery the successes before the failures leave the window first."""
    clock = FakeClock()
    breaker = CircuitBreaker(clock)
    _call(breaker, healthy=True, times=MIN_VOLUME)
    clock.advance(4)
    _call(breaker, healthy=False, times=MIN_VOLUME - 1)
    clock.advance(2)
    _call(breaker, healthy=True, times=2)
    assert not breaker.is_open
    _call(breaker, healthy=False)
    assert breaker.is_open


def test_old_failures_are_forgotten() -> None:
    """The window moves on."""
    clock = FakeClock()
    breaker = CircuitBreaker(clock)
    _call(breaker, healthy=False, times=MIN_VOLUME - 1)
    clock.advance(60)
    _call(breaker, healthy=False)
    assert not breaker.is_open


def test_only_some_probes_are_let_through() -> None:
    """Half-open admits no more than these."""
    clock = FakeClock()
    breaker = _opened(clock)
    clock.advance(OPEN_S)
    for _ in range(PROBES):
        breaker.admit()
    with pytest.raises(CircuitOpenError):
        breaker.admit()


def test_a_good_probe_closes_and_a_bad_one_opens_for_longer() -> None:
    """Up to a limit."""
    clock = FakeClock()
    breaker = _opened(clock)
    for expected in (2 * OPEN_S, 4 * OPEN_S, OPEN_MAX_S, OPEN_MAX_S):
        clock.advance(OPEN_MAX_S)
        _call(breaker, healthy=False)
        with pytest.raises(CircuitOpenError) as caught:
            breaker.admit()
        assert caught.value.wait_s == pytest.approx(expected)
    clock.advance(OPEN_MAX_S)
    _call(breaker, healthy=True)
    assert not breaker.is_open


def test_a_call_of_an_earlier_generation_is_ignored() -> None:
    """It neither closes an open breaker nor uses up a probe."""
    clock = FakeClock()
    breaker = CircuitBreaker(clock)
    early = breaker.admit()
    _call(breaker, healthy=False, times=MIN_VOLUME)
    clock.advance(OPEN_S)
    breaker.record(early, healthy=True)
    assert breaker.is_open


def test_a_probe_whose_caller_went_away_gives_its_place_back() -> None:
    """Otherwise half-open could last for ever."""
    clock = FakeClock()
    breaker = _opened(clock)
    clock.advance(OPEN_S)
    _call(breaker, healthy=None, times=PROBES + 1)
    assert breaker.is_open
