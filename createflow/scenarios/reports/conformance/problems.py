"""What a reader needs to know about a run beyond its verdict: problems, skipped checks, notes, source locations."""

from createflow.scenarios.reports.conformance.verdict import is_gating
from createflow.scenarios.reports.format.text import format_count, one_line
from createflow.scenarios.text.curl_line import rebuilt
from createflow.schemas.flow import Step
from createflow.schemas.report import CheckResult, Finding, KnownFailure, Outcome, RunReport, Standing

PROBLEMS = (Outcome.FAILED, Outcome.BROKEN, Outcome.INCONCLUSIVE)
"""The outcomes that somebody must look at, the most urgent first."""

_LAST_LINE = 2**31 - 1
"""More than any profile has, and the largest number that all viewers can read."""

DEFAULT_PROFILE = "createflow.toml"
"""The file that problems point at when the target has no profile file."""

_BASELINE_NOTES = {
    Standing.TOLERATED: "known failure, tolerated until {expires}: {id} ({reason})",
    Standing.STALE: "stale baseline entry: {id} passes now; remove the entry from the profile ({reason})",
    Standing.EXPIRED: "expired baseline entry: {id} was tolerated until {expires}; fix it or set a new date ({reason})",
    Standing.UNTESTED: "untested baseline entry: {id} neither passed nor failed ({reason})",
}
_TABLES = {
    Step.AUTH_CHECK: "auth",
    Step.RATE_LIMIT: "limits",
    Step.TRANSACTION: "sinks.primary",
    Step.PUBLISH_EVENT: "sinks.events",
    Step.AUDIT_LOG: "sinks.audit",
    Step.WRITE_PRIMARY: "sinks.primary",
    Step.REPLICATE: "sinks.replicas",
    Step.INVALIDATE_CACHE: "sinks.cache",
    Step.INDEX_UPDATE: "sinks.search",
}
"""The table of the profile that a step depends on."""


def list_problems(report: RunReport) -> list[CheckResult]:
    """The checks that somebody must look at, failures first."""
    return [result for outcome in PROBLEMS for result in report.results if result.outcome is outcome]


def explain(result: CheckResult) -> list[tuple[str, str]]:
    """Label and text of each line about a check that did not pass. No text has more than one line."""
    finding = result.finding
    if finding is None:
        lines = [("promised", result.title), ("reason", result.reason)]
    else:
        lines = [
            ("promised", finding.promised),
            ("expected", finding.expected),
            ("seen", finding.seen),
            ("source", f"{finding.source} ({result.level.value})"),
            ("replay", finding.replay_id),
            ("trace", finding.exchanges[-1].trace_id if finding.exchanges else ""),
            ("curl", _curl(finding)),
        ]
    return [(label, one_line(text)) for label, text in lines if text]


def _curl(finding: Finding) -> str:
    if not finding.curl:
        return ""
    return rebuilt(finding.curl) or "not shown: the report holds another command than createflow writes"


def explain_as_text(result: CheckResult) -> str:
    """The same as one text of several lines."""
    return "\n".join(f"{label}: {text}" for label, text in explain(result))


def group_skipped(report: RunReport) -> dict[str, list[str]]:
    """The ids of the skipped checks, by the reason."""
    reasons: dict[str, list[str]] = {}
    for result in report.results:
        if result.outcome is Outcome.SKIPPED:
            reasons.setdefault(one_line(result.reason), []).append(one_line(result.id))
    return reasons


def group_compared(report: RunReport) -> dict[str, list[str]]:
    """The ids of the checks that passed because many writes were as promised, by what they would have seen."""
    powers: dict[str, list[str]] = {}
    for result in report.results:
        if result.outcome is Outcome.PASSED and result.power:
            powers.setdefault(one_line(result.power), []).append(one_line(result.id))
    return powers


def list_notes(report: RunReport) -> list[str]:
    """Lines about the run as a whole: advice, each baseline entry, each resource that could not be removed."""
    lines = []
    if report.unverified_tls:
        lines.append(
            "WARNING: the certificate of the target was not verified (target.verify_tls, --insecure), so it is not "
            "known who answered"
        )
    advice = [
        one_line(result.id)
        for result in report.results
        if result.outcome in {Outcome.FAILED, Outcome.INCONCLUSIVE} and not is_gating(report, result)
    ]
    if advice:
        lines.append(f"not required, so not part of the verdict: {', '.join(advice)}")
    lines += map(describe_baseline_entry, report.baseline)
    if report.left_behind:
        lines.append(f"{format_count(len(report.left_behind), 'created resource')} could not be removed:")
        lines += [f"  {one_line(url)}" for url in report.left_behind]
    if report.left_to_guardian:
        lines.append(describe_left_to_guardian(report))
    return lines


def describe_left_to_guardian(report: RunReport) -> str:
    """What the run was ended too early to do, in one line."""
    left = ", ".join(map(one_line, report.left_to_guardian))
    return f"left to the guardian of the run: {left}; the next command tells what became of it"


def describe_baseline_entry(entry: KnownFailure) -> str:
    """What became of a baseline entry, and what to do about it."""
    return one_line(_BASELINE_NOTES[entry.standing].format(id=entry.id, expires=entry.expires, reason=entry.reason))


def source_location(report: RunReport, result: CheckResult) -> tuple[str, int]:
    """File and line, counted from 1, of what the profile declares for the step of a check."""
    if report.place is None or not _is_file_name(report.place.file):
        return DEFAULT_PROFILE, 1
    tables = (f"baseline.{result.id}", _TABLES.get(result.step, ""), "target")
    lines = [report.place.lines[table] for table in tables if table in report.place.lines]
    return report.place.file, min(max(lines[0], 1), _LAST_LINE) if lines else 1


def _is_file_name(name: str) -> bool:
    """Whether formats may point at it: viewers take ``//HOST/...`` for another host, and a backslash for a slash."""
    return bool(name) and name.isprintable() and not name.startswith("//") and "\\" not in name and name[0] != "~"
