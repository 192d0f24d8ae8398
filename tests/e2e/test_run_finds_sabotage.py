"""Whatever somebody does to a store while a run goes on: ``run`` says so, in the step of that store."""

import asyncio

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.run import conformance
from createflow.schemas.report import Level, Outcome
from tests.e2e.sabotages import SABOTAGES, written_lately
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.up_stack import UpCommand

pytestmark = pytest.mark.thorough
STEPS = {"primary": "write_primary", "audit": "audit_log", "events": "publish_event", "search": "index_update"}


@pytest.mark.anyio
@pytest.mark.parametrize("name", SABOTAGES)
async def test_a_sabotage_from_outside_is_found(stack: UpCommand, name: str) -> None:
    """In the middle of the run. Checks that disturb the target themselves are left out."""
    sabotage, sink, _ = SABOTAGES[name]
    checks = [check for check in CHECKS if not check.disturbs]
    running = asyncio.create_task(conformance(stack.profile, checks, source="the stack", progress=QuietProgress()))
    await sabotage(stack, await written_lately(stack, "createflow %", running.done))
    report = await running
    failed = {result.id for result in report.results if result.outcome is Outcome.FAILED}
    assert any(
        result.id.startswith(STEPS[sink]) and result.level is Level.MUST
        for result in report.results
        if result.outcome is Outcome.FAILED
    ), failed
