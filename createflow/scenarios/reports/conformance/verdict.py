"""The verdict of a conformance run, derived from the outcomes of its checks."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from createflow.scenarios.reports.format.text import one_line
from createflow.schemas.report import CheckResult, Level, Outcome, RunReport, Standing


class Verdict(StrEnum):
    """The result of a run. When several apply, the first one counts: evidence goes before doubt."""

    INTERRUPTED = "interrupted"
    FAILED = "failed"
    SILENT = "silent"
    """The target answered nothing any more, which ended the run."""
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"
    STALE = "stale"
    HOLDS = "holds"


_TEXTS = {
    Verdict.INTERRUPTED: "INTERRUPTED: the results are incomplete",
    Verdict.FAILED: "FAILED: a required check failed",
    Verdict.BROKEN: "BROKEN: a check could not be carried out",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE: a required check could not be decided",
    Verdict.STALE: "STALE: the baseline lists failures that passed or expired",
    Verdict.HOLDS: "HOLDS: every required check that ran passed",
}
_NOTHING_TESTED = "INCONCLUSIVE: no check passed or failed"
_HOLDS_WITH_KNOWN_FAILURES = "HOLDS: no required check failed, apart from known failures"


def verdict_of(report: RunReport) -> Verdict:
    """The first of the verdicts that apply."""
    found = verdicts_of(report)
    return next(verdict for verdict in Verdict if verdict in found)


def verdicts_of(report: RunReport) -> set[Verdict]:
    """All verdicts that apply. A run in which no check passed or failed is inconclusive, never green."""
    known = ids_with_standing(report, Standing.TOLERATED) | ids_with_standing(report, Standing.EXPIRED)
    gating = {result.outcome for result in report.results if is_gating(report, result) and result.id not in known}
    outcomes = {result.outcome for result in report.results}
    applying = {
        Verdict.INTERRUPTED: report.interrupted,
        Verdict.FAILED: Outcome.FAILED in gating,
        Verdict.SILENT: bool(report.silent),
        Verdict.BROKEN: Outcome.BROKEN in outcomes,
        Verdict.INCONCLUSIVE: Outcome.INCONCLUSIVE in gating or not _is_anything_tested(report, known),
        Verdict.STALE: any(entry.standing in {Standing.STALE, Standing.EXPIRED} for entry in report.baseline),
    }
    return {verdict for verdict, applies in applying.items() if applies} or {Verdict.HOLDS}


def is_gating(report: RunReport, result: CheckResult) -> bool:
    """Whether the level of the check counts in this run."""
    levels = list(Level)
    return levels.index(result.level) <= levels.index(report.gate)


def ids_with_standing(report: RunReport, standing: Standing) -> set[str]:
    """The ids of the checks whose baseline entry has this standing."""
    return {entry.id for entry in report.baseline if entry.standing is standing}


def count_outcomes(results: Iterable[CheckResult]) -> Counter[Outcome]:
    """The number of checks by outcome."""
    return Counter(result.outcome for result in results)


def summarize(report: RunReport) -> str:
    """The verdict with the numbers behind it, in one line."""
    return f"{verdict_text(report)} ({_counts_text(report)}; {report.duration_s:.1f} s)"


def verdict_text(report: RunReport) -> str:
    """The verdict and what it means."""
    verdict = verdict_of(report)
    if verdict is Verdict.INCONCLUSIVE and not any(
        result.outcome is Outcome.INCONCLUSIVE and is_gating(report, result) for result in report.results
    ):
        return _NOTHING_TESTED
    if verdict is Verdict.HOLDS and ids_with_standing(report, Standing.TOLERATED):
        return _HOLDS_WITH_KNOWN_FAILURES
    silent = f"; {one_line(report.silent)}" if report.silent and verdict is not Verdict.SILENT else ""
    return _TEXTS[verdict] + silent if verdict is not Verdict.SILENT else f"SILENT: {one_line(report.silent)}"


def _is_anything_tested(report: RunReport, known: set[str]) -> bool:
    return any(
        result.outcome is Outcome.PASSED or (result.outcome is Outcome.FAILED and result.id in known)
        for result in report.results
    )


def _counts_text(report: RunReport) -> str:
    counts = count_outcomes(report.results)
    parts = [f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome]]
    tolerated = len(ids_with_standing(report, Standing.TOLERATED))
    if tolerated:
        parts.append(f"{tolerated} of the failed tolerated")
    if report.resent:
        parts.append(f"{report.resent} requests sent once more, as a reused connection ended without a reply")
    return ", ".join(parts) or "no checks"
