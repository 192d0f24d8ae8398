"""The verdict of a run: evidence goes before doubt, and a run that tested nothing is not green."""

import pytest

from createflow.scenarios.reports.conformance.verdict import Verdict, summarize, verdict_of, verdicts_of
from createflow.schemas.report import CheckResult, Level, Outcome, Standing
from tests.scenarios.reports.conformance.made_report import known, report, result

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
    assert verdict_of(report(*results)) is expected


def test_an_interrupted_run_says_so_whatever_it_found() -> None:
    """It did not run to its end."""
    assert verdict_of(report(FAILED, interrupted=True)) is Verdict.INTERRUPTED


@pytest.mark.parametrize(
    ("results", "standing", "expected"),
    [
        ((PASSED, FAILED), Standing.TOLERATED, {Verdict.HOLDS}),
        ((FAILED,), Standing.TOLERATED, {Verdict.HOLDS}),
        ((PASSED, FAILED), Standing.EXPIRED, {Verdict.STALE}),
        ((PASSED, result("b", Outcome.PASSED)), Standing.STALE, {Verdict.STALE}),
        ((PASSED, result("b", Outcome.INCONCLUSIVE)), Standing.UNTESTED, {Verdict.INCONCLUSIVE}),
        ((PASSED, result("b", Outcome.SKIPPED)), Standing.UNTESTED, {Verdict.HOLDS}),
        ((PASSED, result("x", Outcome.FAILED), FAILED), Standing.EXPIRED, {Verdict.FAILED, Verdict.STALE}),
    ],
)
def test_the_baseline_counts(results: tuple[CheckResult, ...], standing: Standing, expected: set[Verdict]) -> None:
    """A tolerated failure does not count. A stale or expired entry is reported in any case."""
    assert verdicts_of(report(*results, baseline=(known("b", standing),))) == expected


@pytest.mark.parametrize(
    ("gate", "expected"),
    [(Level.MUST, Verdict.HOLDS), (Level.SHOULD, Verdict.FAILED), (Level.MAY, Verdict.FAILED)],
)
def test_the_gate_says_which_level_counts(gate: Level, expected: Verdict) -> None:
    """Only required checks, unless the gate includes more."""
    assert verdict_of(report(PASSED, ADVICE, gate=gate)) is expected


def test_the_summary_counts_the_tolerated_failures() -> None:
    """A green verdict with failures in it needs an explanation."""
    text = summarize(report(PASSED, FAILED, baseline=(known("b", Standing.TOLERATED),)))
    assert text == (
        "HOLDS: no required check failed, apart from known failures "
        "(1 passed, 1 failed, 1 of the failed tolerated; 1.5 s)"
    )
