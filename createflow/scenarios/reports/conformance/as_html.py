"""HTML: one page with a filter, every check, and the requests and replies behind each failure."""

from collections.abc import Iterable
from dataclasses import dataclass

from createflow.scenarios.reports.conformance.problems import PROBLEMS, explain, list_notes, list_problems
from createflow.scenarios.reports.conformance.verdict import Verdict, count_outcomes, verdict_of, verdict_text
from createflow.scenarios.reports.format.html import read_part, render_page
from createflow.scenarios.reports.format.text import one_line
from createflow.schemas.flow import Step, Tier
from createflow.schemas.report import CheckResult, Outcome, RunReport

_SEVERITIES = {Verdict.HOLDS: "good", Verdict.FAILED: "bad", Verdict.BROKEN: "bad", Verdict.SILENT: "bad"}


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    results: list[CheckResult]


def render(report: RunReport) -> str:
    """The whole page: problems first, then the other checks by tier."""
    verdict = verdict_of(report)
    outcomes = count_outcomes(report.results)
    return render_page(
        "conformance",
        title=f"createflow {verdict.value}: {report.target}",
        scripts=(read_part("conformance.js"),),
        report=report,
        severity=_SEVERITIES.get(verdict, "unsure"),
        verdict=verdict_text(report),
        counts=[(outcome, outcomes[outcome]) for outcome in Outcome if outcomes[outcome]],
        notes=list_notes(report),
        filters=_filters(report),
        sections=_sections(report),
        describe=_describe,
    )


def _filters(report: RunReport) -> dict[str, Iterable[str]]:
    """The values of each filter that occur in the report."""
    outcomes = {result.outcome for result in report.results}
    steps = {result.step for result in report.results}
    tiers = {step.tier for step in steps}
    return {
        "outcome": [outcome for outcome in Outcome if outcome in outcomes],
        "tier": [tier for tier in Tier if tier in tiers],
        "step": [step for step in Step if step in steps],
    }


def _sections(report: RunReport) -> list[_Section]:
    sections = [_Section("needs attention", list_problems(report))]
    for tier in Tier:
        results = [result for result in report.results if result.step.tier is tier and result.outcome not in PROBLEMS]
        sections.append(_Section(f"{tier.value} tier", results))
    return [section for section in sections if section.results]


def _describe(result: CheckResult) -> list[tuple[str, str]]:
    """Label and text of the lines inside a check; its promise is the title already."""
    lines = [("source", result.source), ("compared", one_line(result.power))]
    if result.outcome in PROBLEMS:
        lines = explain(result)[1:]
    return [(label, text) for label, text in [("why", result.why), *lines] if text]
