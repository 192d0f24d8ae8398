"""Samples during a load: what counts, and what is only a problem to report."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from createflow.scenarios.target.principal import Principal
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.verification.lag_sampler import Sampler
from createflow.scenarios.verification.lag_statistics import SinkLags
from createflow.scenarios.verification.sink_watches import Sample, WaitForSample
from tests.fake_clock import FakeClock
from tests.scenarios.verification.stub_api import PROFILE, StubApi

pytestmark = pytest.mark.anyio


class FakeWatch:
    """A sink that needs this long for each sample."""

    name = "events"
    deadline_s = 2.0

    def __init__(self, clock: FakeClock, takes_s: float = 0.0, error: str = "") -> None:
        self.samples: list[Sample] = []
        self.is_open = False
        self._clock = clock
        self._takes_s = takes_s
        self._error = error

    async def open(self) -> None:
        """Remember the call."""
        self.is_open = True

    async def close(self) -> None:
        """Remember the call."""
        self.is_open = False

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[WaitForSample]:
        """Watch one sample."""
        yield self._wait_for

    async def _wait_for(self, sample: Sample) -> bool:
        self.samples.append(sample)
        if self._error:
            raise ConnectionError(self._error)
        self._clock.advance(min(self._takes_s, self.deadline_s))
        return self._takes_s <= self.deadline_s


async def sampled(api: StubApi, watch: FakeWatch, clock: FakeClock, *, most: int = 3) -> Sampler:
    """A sampler that has made this many samples and is closed."""
    enough = asyncio.Event()

    def who() -> Principal:
        calls.append(1)
        if len(calls) >= most:
            enough.set()
        return Principal("sampler", "token-secret")

    calls: list[int] = []
    sampler = Sampler(PROFILE, who, run_id="ab12", mask=Mask(), clock=clock)
    api.plug_into(sampler._connection)
    sampler._watches = (watch,)
    sampler._lags = SinkLags({watch.name: watch.deadline_s * 1000})
    async with sampler:
        await enough.wait()
    assert not watch.is_open
    return sampler


async def test_own_writes_are_read_back_and_followed() -> None:
    """They have names of their own, and the clean-up gets the resources."""
    api, clock = StubApi(), FakeClock()
    watch = FakeWatch(clock)
    sampler = await sampled(api, watch, clock)
    names = [thing["name"] for thing in api.things.values()]
    assert names[:3] == ["sample ab12 1", "sample ab12 2", "sample ab12 3"]
    assert [sample.name for sample in watch.samples] == names
    assert {created.id for created in sampler.created} == set(api.things)
    assert (sampler.own_writes_read, sampler.own_writes_missed) == (len(names), 0)
    (lag,) = sampler.lags()
    assert (lag.samples, lag.late) == (len(names), 0)
    assert sampler.problems == ()


async def test_a_sample_that_is_not_there_in_time_is_late() -> None:
    """Its lag is infinite, because the search for it ended."""
    api, clock = StubApi(), FakeClock()
    sampler = await sampled(api, FakeWatch(clock, takes_s=3.0), clock)
    (lag,) = sampler.lags()
    assert (lag.late, sampler.latest()) == (lag.samples, {"events": math.inf})


@pytest.mark.parametrize(
    ("answer", "read", "missed"),
    [
        (lambda _: httpx.Response(404), 1, 1),
        (lambda path: httpx.Response(200, json={"id": path.rpartition("/")[2], "name": "another"}), 1, 1),
        (lambda _: httpx.Response(200, json={"id": "another"}), 1, 1),
        (lambda path: httpx.Response(200, json={"id": path.rpartition("/")[2]}), 1, 0),
        (lambda _: httpx.Response(503), 0, 0),
        (lambda _: httpx.Response(429), 0, 0),
    ],
)
async def test_a_read_without_the_write_is_missed_and_a_refused_one_a_problem(
    answer: Callable[[str], httpx.Response], read: int, missed: int
) -> None:
    """Only a usable reply can be stale."""
    api, clock = StubApi(), FakeClock()
    api.answers["GET"] = answer
    sampler = await sampled(api, FakeWatch(clock), clock)
    count = len(sampler.created)
    assert (sampler.own_writes_read, sampler.own_writes_missed) == (read * count, missed * count)
    assert bool(sampler.problems) != bool(read)


async def test_problems_are_reported_and_sampling_goes_on() -> None:
    """Neither a refused create nor a dead sink counts against the target."""
    api, clock = StubApi(), FakeClock()
    sampler = await sampled(api, FakeWatch(clock, error="reset of token-secret"), clock)
    assert sampler.lags() == ()
    assert sampler.problems[0].startswith("events could not be read: reset of ")
    assert "token-secret" not in sampler.problems[0]
    api.answers["POST"] = lambda _: httpx.Response(503)
    refused = await sampled(api, FakeWatch(clock), clock)
    assert refused.problems[0].startswith("the reply to a create was 503")
    assert refused.created == []


async def test_a_slow_sink_limits_the_number_of_samples() -> None:
    """No further sample starts until one is done, and that is reported."""
    api, clock = StubApi(), FakeClock()
    hold = asyncio.Event()

    class Stuck(FakeWatch):
        async def _wait_for(self, sample: Sample) -> bool:
            self.samples.append(sample)
            await hold.wait()
            return True

    watch = Stuck(clock)
    sampler: Any = Sampler(PROFILE, lambda: Principal("s", "t"), run_id="ab12", mask=Mask(), clock=clock)
    api.plug_into(sampler._connection)
    sampler._watches = (watch,)
    sampler._lags = SinkLags({"events": 2000.0})
    async with sampler:
        while not sampler.problems:
            await asyncio.sleep(0)
        assert len(sampler._samples) == 24
        hold.set()
    assert sampler.problems[0].startswith("a sample was left out")
