"""The lines that explain a check which did not pass, as label and text."""

from createflow.scenarios.reports.format.one_line import one_line
from createflow.schemas.report import CheckResult, Outcome, RunReport

TROUBLE = (Outcome.FAILED, Outcome.BROKEN, Outcome.INCONCLUSIVE)


def troubled(report: RunReport) -> list[CheckResult]:
    """The checks that need somebody's eye: failures first."""
    return [result for outcome in TROUBLE for result in report.results if result.outcome is outcome]


def explained(result: CheckResult) -> list[tuple[str, str]]:
    """Label and text of each line about a check; no text has more than one line."""
    finding = result.finding
    if finding is None:
        return [("promised", result.title), ("reason", one_line(result.reason))]
    lines = [
        ("promised", finding.promised),
        ("expected", one_line(finding.expected)),
        ("seen", one_line(finding.seen)),
        ("source", f"{finding.source} ({result.level.value})"),
        ("replay", finding.replay_id),
        ("curl", one_line(finding.curl)),
    ]
    return [(label, text) for label, text in lines if text]


def skipped(report: RunReport) -> dict[str, list[str]]:
    """The reasons for which checks were skipped, each with the ids of those checks."""
    reasons: dict[str, list[str]] = {}
    for result in report.results:
        if result.outcome is Outcome.SKIPPED:
            reasons.setdefault(one_line(result.reason), []).append(result.id)
    return reasons
