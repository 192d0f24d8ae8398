"""Markdown: for a job's summary or a comment. What a target says stands in code, where nothing is markup."""

from createflow.scenarios.reports.conformance.remark import remarks
from createflow.scenarios.reports.conformance.trouble import explained, skipped, troubled
from createflow.scenarios.reports.conformance.verdict import counted, sentence
from createflow.scenarios.reports.format.markdown_text import code, fenced
from createflow.schemas.flow import Step
from createflow.schemas.report import CheckResult, Level, Outcome, RunReport


def render(report: RunReport) -> str:
    """The whole report: verdict, table of the steps, each trouble, and why what was skipped."""
    lines = [
        f"# {sentence(report)}",
        "",
        f"{code(report.target)}, {code(report.profile)}, run `{report.run_id}`, seed {report.seed}",
        "",
        f"| # | step | tier | {' | '.join(outcome.value for outcome in Outcome)} |",
        f"|--:|---|---|{'--:|' * len(Outcome)}",
        *_rows(report),
    ]
    for result in troubled(report):
        lines += ["", *_trouble(result)]
    if said := remarks(report):
        lines += ["", "## Remarks", "", *fenced("\n".join(said))]
    if reasons := _skipped(report):
        lines += ["", "## Skipped", "", *reasons]
    return "\n".join(lines) + "\n"


def _rows(report: RunReport) -> list[str]:
    rows = []
    for step in Step:
        counts = counted(tuple(result for result in report.results if result.step is step))
        if counts:
            cells = " | ".join(str(counts[outcome] or "") for outcome in Outcome)
            rows.append(f"| {step.number} | {step.value} | {step.tier.value} | {cells} |")
    return rows


def _trouble(result: CheckResult) -> list[str]:
    level = "" if result.level is Level.MUST else f" ({result.level.value})"
    lines = [f"## {result.outcome.value}: `{result.id}`{level}", ""]
    if result.why:
        lines += [f"{result.why}", ""]
    return lines + fenced("\n".join(f"{label}: {text}" for label, text in explained(result)))


def _skipped(report: RunReport) -> list[str]:
    return [
        f"- {code(reason)}: {', '.join(f'`{check_id}`' for check_id in ids)}" for reason, ids in skipped(report).items()
    ]
