"""Waiting ends when it holds, or when the deadline has passed, and not before."""

import pytest

from createflow.scenarios.sinks.polling import eventually
from tests.fake_clock import FakeClock


@pytest.mark.anyio
async def test_it_ends_when_it_holds() -> None:
    """No longer than needed."""
    clock = FakeClock()
    values = iter(range(10))

    async def read() -> int:
        return next(values)

    assert await eventually(read, lambda value: value == 3, within_s=5, clock=clock) == (3, True)
    assert clock.monotonic() - FakeClock().monotonic() < 0.2


@pytest.mark.anyio
async def test_it_reads_once_more_after_the_deadline() -> None:
    """A read that takes long must not turn into an accusation."""
    clock = FakeClock()
    start = clock.monotonic()
    reads = []

    async def read() -> float:
        reads.append(clock.monotonic() - start)
        return reads[-1]

    value, held = await eventually(read, lambda value: value > 1, within_s=1, clock=clock)
    assert not held
    assert value == pytest.approx(1)
    assert all(seen <= 1 for seen in reads[:-1])


@pytest.mark.anyio
async def test_what_never_holds_is_told_with_the_last_value() -> None:
    """The caller says what was seen."""
    assert await eventually(_nothing, bool, within_s=0.5, clock=FakeClock()) == ("", False)


async def _nothing() -> str:
    return ""
