"""Markdown for the summary of a CI job or a comment."""

from createflow.scenarios.reports.conformance.problems import (
    explain_as_text,
    group_compared,
    group_skipped,
    list_notes,
    list_problems,
)
from createflow.scenarios.reports.conformance.verdict import count_outcomes, summarize
from createflow.scenarios.reports.format.markdown import code, code_block, escape, table
from createflow.schemas.flow import Step
from createflow.schemas.report import CheckResult, Level, Outcome, RunReport


def render(report: RunReport) -> str:
    """The verdict, a table of the steps, each problem, the notes, the skipped checks, and what was compared."""
    lines = [
        f"# {escape(summarize(report))}",
        "",
        f"{code(report.target)}, {code(report.profile)}, run {code(report.run_id)}, seed {report.seed}",
        "",
        *table(
            ("#", "step", "tier", *(outcome.value for outcome in Outcome)),
            _rows(report),
            align="><<" + ">" * len(Outcome),
        ),
    ]
    for result in list_problems(report):
        lines += ["", *_problem(result)]
    if notes := list_notes(report):
        lines += ["", "## Notes", "", *code_block("\n".join(notes))]
    if reasons := group_skipped(report):
        lines += ["", "## Skipped", ""]
        lines += [f"- {code(reason)}: {', '.join(map(code, ids))}" for reason, ids in reasons.items()]
    if powers := group_compared(report):
        lines += ["", "## Compared", ""]
        lines += [f"- {code(power)}: {', '.join(map(code, ids))}" for power, ids in powers.items()]
    return "\n".join(lines) + "\n"


def _rows(report: RunReport) -> list[list[str]]:
    rows = []
    for step in Step:
        counts = count_outcomes(result for result in report.results if result.step is step)
        if counts:
            numbers = [str(counts[outcome] or "") for outcome in Outcome]
            rows.append([str(step.number), step.value, step.tier.value, *numbers])
    return rows


def _problem(result: CheckResult) -> list[str]:
    level = "" if result.level is Level.MUST else f" ({result.level.value})"
    lines = [f"## {result.outcome.value}: {code(result.id)}{level}", ""]
    if result.why:
        lines += [escape(result.why), ""]
    return lines + code_block(explain_as_text(result))
