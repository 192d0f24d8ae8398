"""A slow sink is polled for all waiting samples together."""

import asyncio
from collections.abc import Callable, Collection, Sequence

import pytest

from createflow.scenarios.verification.sink_watches import BatchedPoll, Sample
from tests.fake_clock import FakeClock

pytestmark = pytest.mark.anyio


class Index:
    """Shows ids depending on the time, and remembers the queries."""

    def __init__(self, clock: FakeClock, shows: Callable[[float], Collection[str]]) -> None:
        self.asked: list[list[str]] = []
        self._clock = clock
        self._began_s = clock.monotonic()
        self._shows = shows

    async def find(self, ids: Sequence[str]) -> Collection[str]:
        """The ids at this time."""
        self.asked.append(list(ids))
        return self._shows(self._clock.monotonic() - self._began_s)

    async def close(self) -> None:
        """Do nothing."""


async def outcomes(clock: FakeClock, index: Index, *ids: str, deadline_s: float = 1.0) -> list[bool | BaseException]:
    """The results of samples that start to wait at the same time."""
    watch = BatchedPoll("search", deadline_s, find=index.find, close=index.close, clock=clock)
    async with watch.watch() as wait_for:
        results = await asyncio.gather(*(wait_for(Sample(one, one)) for one in ids), return_exceptions=True)
    await watch.close()
    return results


async def test_all_waiting_samples_are_in_one_query() -> None:
    """Without those that were found."""
    clock = FakeClock()
    index = Index(clock, lambda at_s: {"a", "b"} if at_s >= 0.15 else {"a"})
    assert await outcomes(clock, index, "a", "b") == [True, True]
    assert index.asked == [["a", "b"], ["b"], ["b"]]


async def test_a_sample_is_late_only_by_a_query_after_the_deadline() -> None:
    """An earlier query might have come too soon."""
    clock = FakeClock()
    index = Index(clock, lambda _: {"a"})
    assert await outcomes(clock, index, "a", "b") == [True, False]
    assert len(index.asked) >= 10


async def test_an_index_that_does_not_answer_is_an_error() -> None:
    """Not a late sample."""

    def fails(_: float) -> Collection[str]:
        raise ConnectionError("gone")

    clock = FakeClock()
    (told,) = await outcomes(clock, Index(clock, fails), "a")
    assert isinstance(told, ConnectionError)


async def test_an_index_that_answers_again_in_time_is_queried_again() -> None:
    """One failed query does not end the sample."""

    def shows(at_s: float) -> Collection[str]:
        if at_s < 0.5:
            raise ConnectionError("gone")
        return {"a"}

    clock = FakeClock()
    assert await outcomes(clock, Index(clock, shows), "a") == [True]
