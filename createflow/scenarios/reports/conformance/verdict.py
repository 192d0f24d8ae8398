"""What a run comes to, from how its checks ended."""

from collections import Counter
from enum import StrEnum

from createflow.schemas.report import CheckResult, Level, Outcome, RunReport, Standing


class Verdict(StrEnum):
    """One word for a run. When several apply, the first of this order: proof goes before doubt."""

    INTERRUPTED = "interrupted"
    FAILED = "failed"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"
    STALE = "stale"
    HOLDS = "holds"


_WORDS = {
    Verdict.INTERRUPTED: "INTERRUPTED: this is what was found until then",
    Verdict.FAILED: "FAILED: the target breaks a promise",
    Verdict.BROKEN: "BROKEN: the tester could not do its work",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE: what was to be tested was not reached",
    Verdict.STALE: "STALE: the baseline is no longer true",
    Verdict.HOLDS: "HOLDS: every promise that was checked is kept",
}


def verdict(report: RunReport) -> Verdict:
    """The first of the verdicts that apply."""
    found = verdicts(report)
    return next(word for word in Verdict if word in found)


def verdicts(report: RunReport) -> set[Verdict]:
    """All that apply. A run in which nothing was tried has tested nothing: that is inconclusive, never green."""
    known = listed(report, Standing.TOLERATED) | listed(report, Standing.EXPIRED)
    gating = {result.outcome for result in report.results if gates(report, result) and result.id not in known}
    outcomes = {result.outcome for result in report.results}
    tried = Outcome.PASSED in outcomes or any(
        result.id in known and result.outcome is Outcome.FAILED for result in report.results
    )
    applying = {
        Verdict.INTERRUPTED: report.interrupted,
        Verdict.FAILED: Outcome.FAILED in gating,
        Verdict.BROKEN: Outcome.BROKEN in outcomes,
        Verdict.INCONCLUSIVE: Outcome.INCONCLUSIVE in gating or not tried,
        Verdict.STALE: any(entry.standing in {Standing.STALE, Standing.EXPIRED} for entry in report.baseline),
    }
    return {word for word, applies in applying.items() if applies} or {Verdict.HOLDS}


def gates(report: RunReport, result: CheckResult) -> bool:
    """Whether the check's level counts in this run."""
    levels = list(Level)
    return levels.index(result.level) <= levels.index(report.gate)


def listed(report: RunReport, standing: Standing) -> set[str]:
    """The ids of the baseline entries that came to this."""
    return {entry.id for entry in report.baseline if entry.standing is standing}


def counted(results: tuple[CheckResult, ...]) -> Counter[Outcome]:
    """How many checks ended how."""
    return Counter(result.outcome for result in results)


def sentence(report: RunReport) -> str:
    """The verdict in one line, with the numbers behind it."""
    return f"{words(report)} ({numbers(report)}; {report.duration_s:.1f} s)"


def words(report: RunReport) -> str:
    """The verdict and what it means."""
    return _WORDS[verdict(report)]


def numbers(report: RunReport) -> str:
    """How many checks ended how, in words."""
    counts = counted(report.results)
    told = [f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome]]
    tolerated = len(listed(report, Standing.TOLERATED))
    if tolerated:
        told.append(f"{tolerated} of the failed tolerated")
    return ", ".join(told) or "no checks"
