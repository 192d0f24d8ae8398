"""The checks of what the reference promises only when asked to are exercised on it."""

import asyncio
from pathlib import Path

import pytest

from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import select
from createflow.schemas.report import Outcome
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.up_stack import start_up_command, stop_up_command

pytestmark = [pytest.mark.stack, pytest.mark.thorough]


@pytest.mark.parametrize(
    ("option", "check"),
    [
        ("--private", "auth_check.others_resource_is_as_missing"),
        ("--unique-names", "business_logic.one_of_many_creates_of_a_name_wins"),
        ("--conditional-updates", "business_logic.unconditional_update_is_428"),
    ],
)
def test_a_check_that_the_plain_stack_skips_passes_with_the_option(option: str, check: str, tmp_path: Path) -> None:
    """The profile that ``createflow up`` writes declares the promise."""
    tmp_path.chmod(0o711)
    up = start_up_command(tmp_path, "--replicas", "1", option)
    try:
        chosen = select(CATALOGUE, (check,), ())
        report = asyncio.run(conformance(up.profile, chosen, source="test", progress=QuietProgress()))
    finally:
        assert stop_up_command(up) == 0
    result = next(one for one in report.results if one.id == check)
    assert result.outcome is Outcome.PASSED, (result.reason, result.finding)
