"""What is said besides the checks."""

from createflow.scenarios.reports.conformance.remark import remarks
from createflow.schemas.report import Level, Outcome, Standing
from tests.scenarios.reports.conformance.made_report import known, report, result

PASSED = result("a", Outcome.PASSED)
ADVICE = result("f", Outcome.FAILED, level=Level.SHOULD)


def test_what_is_not_in_the_verdict_is_told() -> None:
    """Failed advice, and every resource that was left behind, by its address."""
    assert remarks(report(PASSED, ADVICE, left_behind=("u1", "u2\n::error::u3"))) == [
        "not required, so not in the verdict: auth_check.f",
        "2 created resources could not be removed:",
        "  u1",
        "  u2\\n::error::u3",
    ]


def test_advice_that_gates_is_in_the_verdict() -> None:
    """Then it is no advice."""
    assert remarks(report(PASSED, ADVICE, gate=Level.SHOULD)) == []


def test_every_baseline_entry_has_a_message_of_its_own() -> None:
    """What happened, and what to do."""
    entries = tuple(known("x", standing) for standing in Standing)
    assert remarks(report(PASSED, baseline=entries)) == [
        "tolerated until 2024-06-30: auth_check.x (ticket 7)",
        "stale baseline entry: auth_check.x passes now; take it out of the profile (ticket 7)",
        "expired baseline entry: auth_check.x was tolerated until 2024-06-30; mend it or decide anew (ticket 7)",
        "untested baseline entry: auth_check.x came to no verdict (ticket 7)",
    ]
