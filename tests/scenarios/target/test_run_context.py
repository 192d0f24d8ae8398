"""Our own pace never asks for more than is promised."""

import asyncio

import pytest

from createflow.scenarios.target.run_context import Pace, Together
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


@pytest.mark.anyio
async def test_after_a_refusal_no_window_has_more_than_the_burst() -> None:
    """A limiter by window counts 10 in any second; a bucket would have taken 8 more meanwhile."""
    clock = FakeClock()
    pace = Pace(Limits(rate_per_s=10, burst=10), clock)
    sent = []
    for number in range(40):
        await pace.wait("a")
        sent.append(clock.monotonic())
        if number == 10:
            pace.note_refusal()
    assert sent[10] - sent[0] < 1
    later = sent[11:]
    assert all(last - first >= 1 for first, last in zip(later, later[8:], strict=False))
    assert later[0] - sent[0] >= 1


@pytest.mark.anyio
async def test_a_race_begins_when_all_may_be_sent() -> None:
    """The last one lets them go, and none of them twice."""
    hold = Together(3)
    begun: list[int] = []

    async def racer(number: int) -> None:
        await hold.assembled()
        begun.append(number)

    racing = [asyncio.create_task(racer(number)) for number in range(2)]
    await asyncio.sleep(0)
    assert begun == []
    await racer(2)
    await asyncio.gather(*racing)
    assert sorted(begun) == [0, 1, 2]
    await hold.assembled()  # sent once more


@pytest.mark.anyio
async def test_a_lead_goes_before_those_that_are_held() -> None:
    """What collects requests collects them all, because it is busy with the lead; and nobody leaves it alone."""
    seen: list[str] = []
    may_end = asyncio.Event()

    async def lead() -> None:
        seen.append("lead")
        await may_end.wait()
        seen.append("lead has ended")

    hold = Together(2, lead=lead)

    async def held() -> None:
        await hold.wait()
        seen.append("held")

    await asyncio.gather(held(), held())
    assert seen == ["lead", "held", "held"]
    may_end.set()
    await hold.led()
    assert seen[3:] == ["lead has ended"]


@pytest.mark.anyio
async def test_a_lead_that_fails_spoils_no_race() -> None:
    """It is of no concern to it."""

    async def lead() -> None:
        raise RuntimeError

    hold = Together(1, lead=lead)
    await hold.wait()
    await hold.led()
    assert hold.released_at > 0
