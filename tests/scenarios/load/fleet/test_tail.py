"""The single replies of a real run, from the wire to what is said of them."""

import asyncio
from collections.abc import Callable

import pytest

from createflow.scenarios.load.verdict.tail import find_tail
from tests.scenarios.load.conftest import Stub
from tests.scenarios.load.fleet.load_run import load, measured_of

StartStub = Callable[[str], Stub]


def test_the_part_in_which_some_creates_wait_is_named(start_stub: StartStub) -> None:
    """One in twenty waits 100 ms for its commit, which only Server-Timing tells. Both workers kept some of them."""
    stub = start_stub("timed:20")
    result = asyncio.run(load(stub.profile(), rate_per_s=600.0, duration_s=1.7, workers=2))
    replies = measured_of(result).completed
    found = find_tail(result.kept, replies=replies, run_id="", is_traced=False, t0_s=0.0, watch=None)
    assert found is not None
    assert (found.sampled, found.slow) == (replies, 11)
    assert found.parts[0].name == "commit"
    assert found.parts[0].excess_ratio > 0.5
    assert found.parts[0].slow_mean_ms == pytest.approx(100.0)
    assert {row.status for row in result.kept} == {201}
