"""Plain text for logs and files: one line for each check, without colours, of any length."""

from createflow.scenarios.reports.conformance.problems import explain, list_notes, list_problems
from createflow.scenarios.reports.conformance.verdict import summarize
from createflow.scenarios.reports.format.text import one_line
from createflow.schemas.flow import Tier
from createflow.schemas.report import CheckResult, Level, Outcome, RunReport


def render(report: RunReport) -> str:
    """Every check by tier, then the problems, the notes and the verdict."""
    lines = [f"createflow run {report.run_id}: {report.target} ({report.profile})", ""]
    for tier in Tier:
        results = [result for result in report.results if result.step.tier is tier]
        if results:
            lines += [f"{tier.value} tier", *map(_line, results)]
    for result in list_problems(report):
        lines += ["", f"{result.outcome.value.upper()} {result.id}"]
        lines += [f"  {label + ':':<10}{text}" for label, text in explain(result)]
    lines.append("")
    lines += list_notes(report)
    lines.append(summarize(report))
    return "\n".join(map(one_line, lines)) + "\n"


def _line(result: CheckResult) -> str:
    level = "" if result.level is Level.MUST else f" ({result.level.value})"
    reason = f": {one_line(result.reason)}" if result.outcome is Outcome.SKIPPED else ""
    power = f": {one_line(result.power)}" if result.outcome is Outcome.PASSED and result.power else ""
    return f"  {result.outcome.value:<13}{result.id}{level}{reason}{power}"
