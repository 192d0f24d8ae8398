"""Workflow commands of GitHub Actions: trouble beside the line of the profile that it is about."""

from createflow.scenarios.reports.conformance.place import place
from createflow.scenarios.reports.conformance.remark import known
from createflow.scenarios.reports.conformance.trouble import explained
from createflow.scenarios.reports.conformance.verdict import gates
from createflow.scenarios.reports.format.one_line import one_line
from createflow.schemas.report import CheckResult, Outcome, RunReport, Standing

LONGEST_SUMMARY_BYTES = 1024 * 1024
"""A step's summary that is longer is refused as a whole."""


def annotations(report: RunReport) -> str:
    """One line each, errors before warnings: the view shows only the first ten of a kind."""
    entries = {entry.id: entry for entry in report.baseline}
    errors, warnings = [], []
    for result in report.results:
        entry = entries.get(result.id)
        if entry is not None and entry.standing in {Standing.STALE, Standing.EXPIRED}:
            errors.append(_command("error", report, result, known(entry)))
        elif result.outcome is Outcome.BROKEN or (
            result.outcome is Outcome.FAILED and entry is None and gates(report, result)
        ):
            errors.append(_command("error", report, result, _told(result)))
        elif result.outcome in {Outcome.FAILED, Outcome.INCONCLUSIVE}:
            tolerated = f"{known(entry)}\n" if entry is not None else ""
            warnings.append(_command("warning", report, result, tolerated + _told(result)))
    if report.left_behind:
        warnings.append(f"::warning title=createflow::{_data(_left_behind(report))}")
    return "".join(f"{line}\n" for line in (*errors, *warnings))


def summary(markdown: str) -> str:
    """As much of the report as a step's summary takes."""
    if len(markdown.encode()) <= LONGEST_SUMMARY_BYTES:
        return markdown
    tail = "\n\n(cut: the whole report is longer than a summary may be)\n"
    return markdown.encode()[: LONGEST_SUMMARY_BYTES - len(tail)].decode(errors="ignore") + tail


def _told(result: CheckResult) -> str:
    return "\n".join(f"{label}: {text}" for label, text in explained(result))


def _left_behind(report: RunReport) -> str:
    return "\n".join(["created resources that could not be removed:", *map(one_line, report.left_behind)])


def _command(kind: str, report: RunReport, result: CheckResult, message: str) -> str:
    file, line = place(report, result)
    return command(kind, file=file, line=line, title=f"{result.outcome.value}: {result.id}", message=message)


def command(kind: str, *, file: str, line: int, title: str, message: str) -> str:
    """One workflow command; nothing in the texts ends it or begins another."""
    return f"::{kind} file={_property(file)},line={line},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
