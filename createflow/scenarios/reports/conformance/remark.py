"""What is worth saying about a run besides its checks, one line each."""

from createflow.scenarios.reports.conformance.verdict import gates
from createflow.scenarios.reports.format.one_line import one_line
from createflow.schemas.report import KnownFailure, Outcome, RunReport, Standing

_TOLD = {
    Standing.TOLERATED: "tolerated until {expires}: {id} ({reason})",
    Standing.STALE: "stale baseline entry: {id} passes now; take it out of the profile ({reason})",
    Standing.EXPIRED: "expired baseline entry: {id} was tolerated until {expires}; mend it or decide anew ({reason})",
    Standing.UNTESTED: "untested baseline entry: {id} came to no verdict ({reason})",
}


def remarks(report: RunReport) -> list[str]:
    """All of them; one per baseline entry, and one per resource that could not be removed."""
    lines = []
    advice = [
        result.id
        for result in report.results
        if result.outcome in {Outcome.FAILED, Outcome.INCONCLUSIVE} and not gates(report, result)
    ]
    if advice:
        lines.append(f"not required, so not in the verdict: {', '.join(advice)}")
    lines += [known(entry) for entry in report.baseline]
    count = len(report.left_behind)
    if count:
        lines.append(f"{count} created resource{'s' if count > 1 else ''} could not be removed:")
        lines += [f"  {one_line(url)}" for url in report.left_behind]
    return lines


def known(entry: KnownFailure) -> str:
    """What became of one baseline entry."""
    return _TOLD[entry.standing].format(id=entry.id, expires=entry.expires, reason=one_line(entry.reason))
