"""Our own pace never asks for more than is promised."""

import pytest

from createflow.scenarios.target.run_context import Pace
from createflow.schemas.profile import Limits
from tests.fake_clock import FakeClock


@pytest.mark.anyio
async def test_a_burst_is_free_and_then_the_rate_holds() -> None:
    """Four fifths of what is promised."""
    clock = FakeClock()
    pace = Pace(Limits(rate_per_s=10, burst=10), clock)
    start = clock.monotonic()
    for _ in range(8):
        await pace.wait("a")
    assert clock.monotonic() == start
    for _ in range(16):
        await pace.wait("a")
    assert clock.monotonic() - start == pytest.approx(2.0)


@pytest.mark.anyio
async def test_each_principal_has_a_pace_of_their_own() -> None:
    """One's burst does not slow another."""
    clock = FakeClock()
    pace = Pace(Limits(rate_per_s=1, burst=2), clock)
    start = clock.monotonic()
    await pace.wait("a")
    await pace.wait("b")
    assert clock.monotonic() == start


@pytest.mark.anyio
async def test_without_a_promise_there_is_no_waiting() -> None:
    """Nothing is known, so nothing is kept."""
    clock = FakeClock()
    pace = Pace(None, clock)
    start = clock.monotonic()
    for _ in range(1000):
        await pace.wait("a")
    assert clock.monotonic() == start


@pytest.mark.anyio
async def test_a_flood_that_nobody_paced_is_waited_out() -> None:
    """Until one request is earned again, and no longer however much the target took."""
    clock = FakeClock()
    pace = Pace(Limits(rate_per_s=10, burst=10), clock)
    for _ in range(1000):
        pace.count_unpaced("a")
    start = clock.monotonic()
    await pace.wait("b")
    assert clock.monotonic() == start
    await pace.wait("a")
    assert clock.monotonic() - start == pytest.approx(1 / 8)
    await pace.wait("a")
    assert clock.monotonic() - start == pytest.approx(2 / 8)
