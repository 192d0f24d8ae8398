"""Whatever is broken behind a create while a load goes on: ``bench`` says so, in the sink where it is, and how."""

import asyncio
from pathlib import Path

import pytest

from createflow.scenarios.benchmark.run import benchmark
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.reports.load.verdict import LoadVerdict, verdict_of
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile
from tests.e2e.sabotages import SABOTAGES, written_lately
from tests.up_stack import UpCommand, start_up_command, stop_up_command

pytestmark = pytest.mark.thorough
RATE_PER_S = 60.0
DURATION_S = 4.0
FIELDS = ("missing", "altered", "duplicated", "phantom")

DEFECTS: dict[str, tuple[str, str]] = {
    "row_changes_later": ("primary", "altered"),
    "row_cloned": ("primary", "duplicated"),
    "row_copied_under_other_name": ("primary", "phantom"),
    "row_vanishes": ("primary", "missing"),
    "create_undone": ("primary", "missing"),
    "joined_create_lost": ("primary", "missing"),
    "event_lost": ("events", "missing"),
    "event_lost_one_in_fifty": ("events", "missing"),
    "event_lost_in_relay": ("events", "missing"),
    "event_twice": ("events", "duplicated"),
    "event_published_again": ("events", "duplicated"),
    "event_wrong_actor": ("events", "altered"),
    "event_wrong_time": ("events", "altered"),
    "event_values_as_text": ("events", "altered"),
    "audit_lost": ("audit", "missing"),
    "audit_lost_one_in_ten": ("audit", "missing"),
    "audit_vanishes": ("audit", "missing"),
    "audit_anonymous": ("audit", "altered"),
    "audit_rewritten": ("audit", "altered"),
    "audit_wrong_time": ("audit", "altered"),
    "audit_wrong_request": ("audit", "altered"),
    "audit_wrong_resource": ("audit", "missing"),
    "index_skips_one_in_ten": ("search", "missing"),
    "index_second_document": ("search", "duplicated"),
    "replica_lags": ("postgres-replica-2", "missing"),
}
"""Where ``bench`` must find each, and what."""


async def bench(profile: Profile) -> LoadReport:
    """A short load, and the verification of its writes."""
    options = LoadOptions(rate_per_s=RATE_PER_S, duration_s=DURATION_S, warmup_s=0.5, workers=1)
    return await benchmark(profile, options)


def accused(report: LoadReport) -> dict[str, dict[str, int]]:
    """The findings by sink."""
    assert report.verification is not None
    late = {lag.sink: lag.late for lag in report.verification.lags}
    found = {
        sink.sink: {**{field: getattr(sink, field) for field in FIELDS}, "late": late.get(sink.sink, 0)}
        for sink in report.verification.sinks
    }
    return {name: {field: count for field, count in counts.items() if count} for name, counts in found.items()}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_seeded_defect_is_found(defect: str, tmp_path: Path) -> None:
    """In its sink, with its kind, counted as not verified, and the verdict is FAILED."""
    tmp_path.chmod(0o711)
    up = start_up_command(tmp_path, "--defect", defect)
    try:
        report = asyncio.run(bench(up.profile))
    finally:
        stop_up_command(up)
    sink, kind = DEFECTS[defect]
    assert accused(report)[sink].get(kind), accused(report)
    assert verdict_of(report) is LoadVerdict.FAILED


@pytest.mark.anyio
@pytest.mark.parametrize("name", SABOTAGES)
async def test_a_sabotage_from_outside_is_found(stack: UpCommand, name: str) -> None:
    """In the middle of the load, by somebody who writes to the store itself."""
    sabotage, sink, kind = SABOTAGES[name]
    loading = asyncio.create_task(bench(stack.profile))
    await sabotage(stack, await written_lately(stack, "load %", loading.done))
    report = await loading
    assert accused(report)[sink].get(kind), accused(report)
    assert verdict_of(report) is LoadVerdict.FAILED
    assert report.verification is not None
    if kind != "late":  # such a write is there when all are looked for
        assert report.verification.verified < report.verification.accepted
