"""What makes the reference slow: the report names the part in which the time goes."""

import asyncio
from pathlib import Path

import pytest

from createflow.reference_server.defects.slow import SLOW
from createflow.scenarios.benchmark.run import benchmark
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile
from tests.up_stack import start_up_command, stop_up_command

pytestmark = pytest.mark.thorough

PARTS: dict[str, set[str]] = {
    "pauses_each_second": {"balancer_queue", "https_request"},
    "sleeps_one_in_many": {"business_logic"},
    "pool_of_one": {"connection_pool"},
    "lock_around_writes": {"group_commit_wait", "write_primary"},
}
"""The one that is longest in the slowest replies, beside the others: it is one of these."""
RATES_PER_S = {"pool_of_one": 60.0, "lock_around_writes": 210.0}
"""Near what it can do, so that requests wait for each other: a write has the only connection for its commit as well."""


async def bench(profile: Profile, rate_per_s: float) -> LoadReport:
    """A load of 1,200 requests or more: of fewer than 1,000 nothing is said."""
    options = LoadOptions(
        rate_per_s=rate_per_s, duration_s=max(10.0, 1200 / rate_per_s), warmup_s=2.0, poisson=True, verify=False
    )
    return await benchmark(profile, options)


def test_each_has_its_part() -> None:
    """A new one needs its line."""
    assert PARTS.keys() == SLOW.keys()


@pytest.mark.parametrize("defect", PARTS)
def test_the_part_that_is_slow_is_named(defect: str, tmp_path: Path) -> None:
    """First in the table of the slowest replies."""
    tmp_path.chmod(0o711)
    up = start_up_command(tmp_path, "--defect", defect)
    try:
        report = asyncio.run(bench(up.profile, RATES_PER_S.get(defect, 150.0)))
    finally:
        stop_up_command(up)
    assert report.tail is not None
    first = report.tail.parts[0]
    assert first.name in PARTS[defect], [(part.name, part.mean_ms, part.slow_mean_ms) for part in report.tail.parts]
    assert not report.tail.overlaps
