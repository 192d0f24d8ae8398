"""GitHub Actions: annotations beside the profile, and the summary of the job, for both kinds of report."""

from createflow.scenarios.reports.conformance import as_markdown as conformance_markdown
from createflow.scenarios.reports.conformance.problems import (
    DEFAULT_PROFILE,
    describe_baseline_entry,
    describe_left_to_guardian,
    explain_as_text,
    source_location,
)
from createflow.scenarios.reports.conformance.verdict import is_gating
from createflow.scenarios.reports.format.text import one_line, printable_lines
from createflow.scenarios.reports.load import as_markdown as load_markdown
from createflow.scenarios.reports.load.content import format_seen
from createflow.scenarios.reports.load.verdict import (
    LoadVerdict,
    describe_target,
    list_broken_promises,
    list_inconclusive_reasons,
    list_regressions,
    summarize,
    verdict_of,
)
from createflow.schemas.load_report import LoadReport, Validity
from createflow.schemas.report import CheckResult, Outcome, RunReport, Standing

MAX_SUMMARY_BYTES = 1024 * 1024
"""GitHub refuses a longer summary as a whole."""


def render_annotations(report: RunReport | LoadReport) -> str:
    """One line for each problem, errors before warnings: the view shows only the first ten of each."""
    lines = _of_load(report) if isinstance(report, LoadReport) else _of_run(report)
    return "".join(f"{line}\n" for line in lines)


def render_summary(report: RunReport | LoadReport) -> str:
    """The report as Markdown, cut at the size that a summary may have."""
    if isinstance(report, LoadReport):
        return cut_summary(load_markdown.render(report))
    return cut_summary(conformance_markdown.render(report))


def cut_summary(markdown: str) -> str:
    """The text, cut at the size that a summary may have."""
    if len(markdown.encode()) <= MAX_SUMMARY_BYTES:
        return markdown
    tail = "\n\n(cut: the whole report is longer than a summary may be)\n"
    return markdown.encode()[: MAX_SUMMARY_BYTES - len(tail)].decode(errors="ignore") + tail


def _of_run(report: RunReport) -> list[str]:
    entries = {entry.id: entry for entry in report.baseline}
    errors, warnings = [], []
    for result in report.results:
        entry = entries.get(result.id)
        if entry is not None and entry.standing in {Standing.STALE, Standing.EXPIRED}:
            errors.append(_of_check("error", report, result, describe_baseline_entry(entry)))
        elif result.outcome is Outcome.BROKEN or (
            result.outcome is Outcome.FAILED and entry is None and is_gating(report, result)
        ):
            errors.append(_of_check("error", report, result, explain_as_text(result)))
        elif result.outcome in {Outcome.FAILED, Outcome.INCONCLUSIVE}:
            tolerated = f"{describe_baseline_entry(entry)}\n" if entry is not None else ""
            warnings.append(_of_check("warning", report, result, tolerated + explain_as_text(result)))
    if report.left_behind:
        urls = "\n".join(["created resources that could not be removed:", *map(one_line, report.left_behind)])
        warnings.append(_annotation("warning", urls, title="createflow"))
    if report.left_to_guardian:
        warnings.append(_annotation("warning", describe_left_to_guardian(report), title="createflow"))
    return [*errors, *warnings]


def _of_check(level: str, report: RunReport, result: CheckResult, message: str) -> str:
    title = f"{result.outcome.value}: {result.id}"
    return _annotation(level, message, title=title, location=source_location(report, result))


def _of_load(report: LoadReport) -> list[str]:
    errors = [("broken promise", line) for line in list_broken_promises(report)]
    warnings = [("no verdict", line) for line in list_inconclusive_reasons(report)]
    if verdict_of(report) is LoadVerdict.UNVERIFIED:
        warnings.append(("not verified", summarize(report)))
    if report.silent:
        errors.append(("silent target", one_line(report.silent)))
    missed = [("target missed", f"{describe_target(slo)}: {format_seen(slo)}") for slo in report.slos if not slo.held]
    if report.interrupted or report.validity is Validity.INVALID:
        warnings += missed
    else:
        errors += missed
    errors += [("worse than the baseline", name) for name in list_regressions(report)]
    if report.validity is Validity.SUSPECT:
        warnings += [("suspect numbers", one_line(reason)) for reason in report.reasons]
    if report.comparison:
        warnings += [("not compared", one_line(reason)) for reason in report.comparison.refused]
    problems = [("error", *problem) for problem in errors] + [("warning", *problem) for problem in warnings]
    location = (DEFAULT_PROFILE, 1)
    return [_annotation(level, text, title=f"bench: {title}", location=location) for level, title, text in problems]


def _annotation(level: str, message: str, *, title: str, location: tuple[str, int] | None = None) -> str:
    """One command. Nothing in the texts can end it or begin another one.

    Args:
        level: ``error`` or ``warning``.
        message: may have several lines.
        title: the heading of the annotation.
        location: file, and line counted from 1.
    """
    place = "" if location is None else f"file={_property(location[0])},line={location[1]},"
    return f"::{level} {place}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return printable_lines(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
