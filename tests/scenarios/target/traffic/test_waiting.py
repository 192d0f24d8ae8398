"""Waiting for a declared limit takes nothing of the time of a check."""

import asyncio

import pytest

from createflow.scenarios.target.traffic.waiting import WAITING, Waiting, waits

pytestmark = pytest.mark.anyio


async def test_its_own_time_goes_on_afterwards() -> None:
    """The end is as much later as it has waited, and what two requests wait at once counts once."""
    async with asyncio.timeout(60.0) as limit:
        due_s = limit.when()
        waiting = Waiting(limit, 100.0)
        waiting.begin()
        waiting.begin()
        assert due_s is not None
        assert limit.when() == due_s + 100.0
        waiting.end()
        waiting.end()
        assert due_s <= (limit.when() or 0.0) <= due_s + waiting.total_s + 0.001
        assert waiting.total_s >= 0
        await asyncio.sleep(0)


async def test_there_is_an_end_to_waiting() -> None:
    """What a check has waited is taken from what it may wait."""
    async with asyncio.timeout(60.0) as limit:
        due_s = limit.when()
        waiting = Waiting(limit, 0.0)
        waiting.begin()
        assert limit.when() == due_s
        waiting.end()
        assert limit.when() == due_s
        await asyncio.sleep(0)


async def test_slow_replies_put_the_end_off() -> None:
    """By as long as they took, to a bound; quick ones do not, and one that waits meanwhile loses nothing."""
    async with asyncio.timeout(60.0) as limit:
        due_s = limit.when() or 0.0
        waiting = Waiting(limit, 100.0, slow_s=5.0)
        waiting.answered(0.5)
        assert limit.when() == due_s
        waiting.answered(2.0)
        assert limit.when() == due_s + 2
        waiting.begin()
        waiting.answered(9.0)
        assert limit.when() == due_s + 105
        waiting.end()
        assert due_s + 5 <= (limit.when() or 0.0) <= due_s + 5.1
        waiting.close()
        waiting.answered(9.0)
        assert (limit.when() or 0.0) <= due_s + 5.1
        await asyncio.sleep(0)


async def test_what_waits_after_the_end_of_a_check_changes_nothing() -> None:
    """A sample that others share may go on."""
    limit = asyncio.timeout(60.0)
    waiting = Waiting(limit, 100.0)
    async with limit:
        waiting.begin()
        waiting.close()
        due_s = limit.when()
    waiting.end()
    assert limit.when() == due_s


async def test_without_a_check_nobody_looks() -> None:
    """Set-up and clean-up have no limit of this kind."""
    with waits():
        assert WAITING.get() is None
