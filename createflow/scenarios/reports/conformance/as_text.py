"""Plain text, one line a check: for logs and files, where nobody sees colours and lines may be long."""

from createflow.scenarios.reports.conformance.remark import remarks
from createflow.scenarios.reports.conformance.trouble import explained, troubled
from createflow.scenarios.reports.conformance.verdict import sentence
from createflow.scenarios.reports.format.one_line import one_line
from createflow.schemas.flow import Tier
from createflow.schemas.report import CheckResult, Level, Outcome, RunReport


def render(report: RunReport) -> str:
    """The whole report."""
    lines = [f"createflow run {report.run_id}: {report.target} ({report.profile})", ""]
    for tier in Tier:
        of_tier = [result for result in report.results if result.step.tier is tier]
        if of_tier:
            lines += [f"{tier.value} tier", *(_line(result) for result in of_tier)]
    for result in troubled(report):
        lines += ["", f"{result.outcome.value.upper()} {result.id}"]
        lines += [f"  {label + ':':<10}{text}" for label, text in explained(result)]
    lines.append("")
    lines += remarks(report)
    lines.append(sentence(report))
    return "\n".join(lines) + "\n"


def _line(result: CheckResult) -> str:
    level = "" if result.level is Level.MUST else f" ({result.level.value})"
    reason = f": {one_line(result.reason)}" if result.outcome is Outcome.SKIPPED else ""
    return f"  {result.outcome.value:<13}{result.id}{level}{reason}"
