"""JUnit XML: one test case for each check."""

from createflow.scenarios.reports.conformance.problems import (
    describe_baseline_entry,
    explain_as_text,
    list_notes,
    source_location,
)
from createflow.scenarios.reports.conformance.verdict import is_gating, summarize
from createflow.scenarios.reports.format.junit import Case, Result, Suite
from createflow.schemas.report import CheckResult, KnownFailure, Outcome, RunReport, Standing


def render(report: RunReport) -> str:
    """The whole document.

    ``failure``: a failure that counts, or a baseline entry that is stale or expired. ``error``: a broken check, and
    nothing else. ``skipped``: skipped or inconclusive, a tolerated failure, advice; the message says which.
    """
    entries = {entry.id: entry for entry in report.baseline}
    names = ("run_id", "target", "profile", "createflow_version", "seed", "gate")
    return Suite(
        name="createflow",
        started_at=report.started_at,
        duration_s=report.duration_s,
        target=report.target,
        properties={name: str(getattr(report, name)) for name in names},
        cases=tuple(_case(report, result, entries.get(result.id)) for result in report.results),
        output="\n".join([*list_notes(report), summarize(report)]),
    ).render()


def _case(report: RunReport, result: CheckResult, entry: KnownFailure | None) -> Case:
    kind, type_, message = _result(report, result, entry)
    has_details = kind != "passed" and result.outcome is not Outcome.SKIPPED
    return Case(
        group=f"{result.step.tier.value}.{result.step.value}",
        name=result.id,
        result=kind,
        kind=type_,
        message=message,
        details=explain_as_text(result) if has_details else "",
        time_s=result.duration_ms / 1000,
        location=source_location(report, result),
    )


def _result(report: RunReport, result: CheckResult, entry: KnownFailure | None) -> tuple[Result, str, str]:
    """Result, type and message."""
    if result.outcome is Outcome.BROKEN:
        return "error", "broken", result.reason
    if entry is not None and entry.standing in {Standing.STALE, Standing.EXPIRED}:
        return "failure", f"baseline.{entry.standing.value}", describe_baseline_entry(entry)
    if result.outcome is Outcome.FAILED:
        return _failure(report, result, entry)
    if result.outcome is Outcome.INCONCLUSIVE:
        return "skipped", "", f"inconclusive: {result.reason}"
    return ("skipped", "", result.reason) if result.outcome is Outcome.SKIPPED else ("passed", "", "")


def _failure(report: RunReport, result: CheckResult, entry: KnownFailure | None) -> tuple[Result, str, str]:
    finding = result.finding
    difference = f"expected {finding.expected}; seen {finding.seen}" if finding else result.title
    if entry is not None:
        return "skipped", "", f"{describe_baseline_entry(entry)}: {difference}"
    if not is_gating(report, result):
        return "skipped", "", f"failed, but not required ({result.level.value}): {difference}"
    return "failure", "failed", difference
