"""A failure that is repeated is mended, the same, or another one."""

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.replay import Change, checks_of, failures, repeated
from createflow.schemas.error import UserError
from createflow.schemas.report import CheckResult, Outcome
from tests.scenarios.reports.conformance.made_report import report, result


def failed(name: str, replay_id: str) -> CheckResult:
    """A failure with a finding of this name."""
    made = result(name, Outcome.FAILED)
    assert made.finding
    return made.model_copy(update={"finding": made.finding.model_copy(update={"replay_id": replay_id})})


A, B, C = failed("a", "11111111"), failed("b", "22222222"), result("c", Outcome.PASSED)
REPORT = report(A, B, C)


@pytest.mark.parametrize(
    ("ids", "chosen"),
    [
        ([], (A, B)),
        (["auth_check.a"], (A,)),
        (["22222222"], (B,)),
        (["auth_check"], (A, B)),
        (["auth_check.a", "22222222"], (A, B)),
    ],
)
def test_failures_are_chosen_by_check_or_finding_id(ids: list[str], chosen: tuple[CheckResult, ...]) -> None:
    """All of them without a name; what passed is never repeated."""
    assert failures(REPORT, ids) == chosen


def test_a_name_that_fits_no_failure_is_refused_with_those_there_are() -> None:
    """Also the name of a check that passed."""
    with pytest.raises(UserError, match=r"--id auth_check\.c") as raised:
        failures(REPORT, ["auth_check.c"])
    assert "auth_check.a (11111111)" in raised.value.hint


def test_a_report_without_failures_has_nothing_to_replay() -> None:
    """To repeat nothing would look fixed."""
    with pytest.raises(UserError, match="no check failed"):
        failures(report(C), [])


@pytest.mark.parametrize(
    ("now", "change"),
    [
        (result("a", Outcome.PASSED), Change.FIXED),
        (A, Change.FAILED),
        (failed("a", "33333333"), Change.CHANGED),
        (result("a", Outcome.INCONCLUSIVE), Change.CHANGED),
        (result("a", Outcome.BROKEN), Change.CHANGED),
        (result("a", Outcome.SKIPPED), Change.CHANGED),
    ],
)
def test_what_a_failure_came_to(now: CheckResult, change: Change) -> None:
    """Fixed only when it passes."""
    (one,) = repeated([A], report(now))
    assert one.change is change


def test_a_check_that_this_version_does_not_have_is_named() -> None:
    """The report may be older than the tester."""
    assert (
        checks_of([result("missing_token_is_401", Outcome.FAILED)], CHECKS)[0].id == "auth_check.missing_token_is_401"
    )
    with pytest.raises(UserError, match=r"no check auth_check\.a"):
        checks_of([A], CHECKS)
