"""Problems, notes and source locations of a run."""

from createflow.scenarios.reports.conformance.problems import explain, list_notes
from createflow.schemas.report import Level, Outcome, Standing
from tests.scenarios.reports.conformance.made_report import known, report, result

PASSED = result("a", Outcome.PASSED)
ADVICE = result("f", Outcome.FAILED, level=Level.SHOULD)


def test_advice_and_leftovers_are_notes() -> None:
    """Failed advice, and every resource that could not be removed, by its address."""
    assert list_notes(report(PASSED, ADVICE, left_behind=("u1", "u2\n::error::u3"))) == [
        "not required, so not part of the verdict: auth_check.f",
        "2 created resources could not be removed:",
        "  u1",
        "  u2\\n::error::u3",
    ]


def test_advice_that_gates_is_in_the_verdict() -> None:
    """Then it needs no note."""
    assert list_notes(report(PASSED, ADVICE, gate=Level.SHOULD)) == []


def test_every_baseline_entry_has_a_message_of_its_own() -> None:
    """What happened, and what to do."""
    entries = tuple(known("x", standing) for standing in Standing)
    assert list_notes(report(PASSED, baseline=entries)) == [
        "known failure, tolerated until 2024-06-30: auth_check.x (ticket 7)",
        "stale baseline entry: auth_check.x passes now; remove the entry from the profile (ticket 7)",
        "expired baseline entry: auth_check.x was tolerated until 2024-06-30; fix it or set a new date (ticket 7)",
        "untested baseline entry: auth_check.x neither passed nor failed (ticket 7)",
    ]


def test_a_command_of_a_saved_report_is_not_shown_as_it_is() -> None:
    """The file may come from anybody: somebody will copy the line."""
    failed = result("a", Outcome.FAILED)
    assert failed.finding
    for curl, shown in [
        ("rm -rf ~", "not shown: the report holds another command than createflow writes"),
        ("curl -i -X POST https://h; rm -rf ~", "not shown: the report holds another command than createflow writes"),
        ("curl -i -X POST https://h/$(id)", "curl -i -X POST 'https://h/$(id)'"),
    ]:
        hostile = failed.model_copy(update={"finding": failed.finding.model_copy(update={"curl": curl})})
        assert dict(explain(hostile))["curl"] == shown
