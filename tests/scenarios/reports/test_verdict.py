"""A run's verdict: proof before doubt, and nothing green that tested nothing."""

import pytest

from createflow.scenarios.reports.verdict import Verdict, remarks, verdict
from createflow.schemas.report import CheckResult, Level, Outcome
from tests.scenarios.made_report import report, result

PASSED = result("a", Outcome.PASSED)
FAILED = result("b", Outcome.FAILED)
BROKEN = result("c", Outcome.BROKEN)
UNSURE = result("d", Outcome.INCONCLUSIVE)
SKIPPED = result("e", Outcome.SKIPPED)
ADVICE = result("f", Outcome.FAILED, level=Level.SHOULD)
UNSURE_ADVICE = result("g", Outcome.INCONCLUSIVE, level=Level.SHOULD)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ((PASSED, SKIPPED), Verdict.HOLDS),
        ((PASSED, ADVICE, UNSURE_ADVICE), Verdict.HOLDS),
        ((PASSED, UNSURE), Verdict.INCONCLUSIVE),
        ((PASSED, UNSURE, BROKEN), Verdict.BROKEN),
        ((PASSED, UNSURE, BROKEN, FAILED), Verdict.FAILED),
        ((), Verdict.INCONCLUSIVE),
        ((SKIPPED,), Verdict.INCONCLUSIVE),
        ((ADVICE,), Verdict.INCONCLUSIVE),
    ],
)
def test_the_verdict(results: tuple[CheckResult, ...], expected: Verdict) -> None:
    """Only what is required gates."""
    assert verdict(report(*results)) is expected


def test_an_interrupted_run_says_so_whatever_it_found() -> None:
    """It did not run to its end."""
    assert verdict(report(FAILED, interrupted=True)) is Verdict.INTERRUPTED


def test_what_is_not_in_the_verdict_is_told() -> None:
    """Failed advice and what was left behind."""
    assert remarks(report(PASSED, ADVICE, left_behind=("u1", "u2", "u3", "u4"))) == [
        "not required, so not in the verdict: auth_check.f",
        "4 created resources could not be removed: u1, u2, u3, ...",
    ]
