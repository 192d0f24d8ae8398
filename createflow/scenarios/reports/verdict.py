"""What a run comes to, from how its checks ended."""

from collections import Counter
from enum import StrEnum

from createflow.schemas.report import CheckResult, Level, Outcome, RunReport


class Verdict(StrEnum):
    """One word for a run. When several apply, the first of this order: proof goes before doubt."""

    INTERRUPTED = "interrupted"
    FAILED = "failed"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"
    HOLDS = "holds"


def verdict(report: RunReport) -> Verdict:
    """The verdict. A run in which nothing passed has tested nothing: that is inconclusive, never green."""
    if report.interrupted:
        return Verdict.INTERRUPTED
    if any(result.outcome is Outcome.FAILED and result.level is Level.MUST for result in report.results):
        return Verdict.FAILED
    if any(result.outcome is Outcome.BROKEN for result in report.results):
        return Verdict.BROKEN
    unsure = any(result.outcome is Outcome.INCONCLUSIVE and result.level is Level.MUST for result in report.results)
    if unsure or not any(result.outcome is Outcome.PASSED for result in report.results):
        return Verdict.INCONCLUSIVE
    return Verdict.HOLDS


def counted(results: tuple[CheckResult, ...]) -> Counter[Outcome]:
    """How many checks ended how."""
    return Counter(result.outcome for result in results)


def sentence(report: RunReport) -> str:
    """The verdict in one line, with the numbers behind it."""
    counts = counted(report.results)
    numbers = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])
    words = {
        Verdict.INTERRUPTED: "INTERRUPTED: this is what was found until then",
        Verdict.FAILED: "FAILED: the target breaks a promise",
        Verdict.BROKEN: "BROKEN: the tester could not do its work",
        Verdict.INCONCLUSIVE: "INCONCLUSIVE: what was to be tested was not reached",
        Verdict.HOLDS: "HOLDS: every promise that was checked is kept",
    }
    return f"{words[verdict(report)]} ({numbers or 'no checks'}; {report.duration_s:.1f} s)"


def remarks(report: RunReport) -> list[str]:
    """What else is worth saying, one line each."""
    lines = []
    advice = [
        result.id
        for result in report.results
        if result.outcome in {Outcome.FAILED, Outcome.INCONCLUSIVE} and result.level is not Level.MUST
    ]
    if advice:
        lines.append(f"not required, so not in the verdict: {', '.join(advice)}")
    if report.left_behind:
        shown = ", ".join(report.left_behind[:3]) + (", ..." if len(report.left_behind) > 3 else "")
        lines.append(f"{len(report.left_behind)} created resources could not be removed: {shown}")
    return lines
