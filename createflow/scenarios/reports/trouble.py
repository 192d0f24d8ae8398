"""The lines that explain a check which did not pass, as label and text."""

from createflow.schemas.report import CheckResult, Outcome, RunReport

TROUBLE = (Outcome.FAILED, Outcome.BROKEN, Outcome.INCONCLUSIVE)


def troubled(report: RunReport) -> list[CheckResult]:
    """The checks that need somebody's eye: failures first."""
    return [result for outcome in TROUBLE for result in report.results if result.outcome is outcome]


def explained(result: CheckResult) -> list[tuple[str, str]]:
    """Label and text of each line about a check."""
    finding = result.finding
    if finding is None:
        return [("promised", result.title), ("reason", result.reason)]
    lines = [
        ("promised", finding.promised),
        ("expected", finding.expected),
        ("seen", finding.seen),
        ("source", f"{finding.source} ({result.level.value})"),
    ]
    return [*lines, ("curl", finding.curl)] if finding.curl else lines


def skipped(report: RunReport) -> dict[str, list[str]]:
    """The reasons for which checks were skipped, each with the ids of those checks."""
    reasons: dict[str, list[str]] = {}
    for result in report.results:
        if result.outcome is Outcome.SKIPPED:
            reasons.setdefault(result.reason, []).append(result.id)
    return reasons
