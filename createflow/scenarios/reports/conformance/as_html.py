"""One HTML page that needs nothing else: opens offline, asks nobody, and trusts nothing that a target said."""

from collections.abc import Iterable
from html import escape

from createflow.scenarios.reports.conformance.html_check import check
from createflow.scenarios.reports.conformance.remark import remarks
from createflow.scenarios.reports.conformance.trouble import TROUBLE, troubled
from createflow.scenarios.reports.conformance.verdict import Verdict, counted, verdict, words
from createflow.scenarios.reports.format.html_part import digest, part
from createflow.schemas.flow import Step, Tier
from createflow.schemas.report import CheckResult, Outcome, RunReport

_MOODS = {Verdict.HOLDS: "good", Verdict.FAILED: "bad", Verdict.BROKEN: "bad"}


def render(report: RunReport) -> str:
    """The whole page. Its policy lets exactly this style and this script run, known by their digests."""
    style, script = part("page.css"), part("page.js")
    policy = (
        f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{escape(f"createflow {verdict(report).value}: {report.target}")}</title>
<style>{style}</style>
</head>
<body>
{_head(report)}
{_filters(report)}
<main>
{_section("what needs a look", troubled(report))}
{"".join(_section(f"{tier.value} tier", _settled(report, tier)) for tier in Tier)}
</main>
<script>{script}</script>
</body>
</html>
"""


def _head(report: RunReport) -> str:
    counts = counted(report.results)
    shown = "".join(
        f'<li class="{outcome.value}"><b>{counts[outcome]}</b> <span class="outcome">{outcome.value}</span></li>'
        for outcome in Outcome
        if counts[outcome]
    )
    run = f"{report.started_at}, run {report.run_id}, seed {report.seed}, gate {report.gate.value}"
    facts = (
        f"{report.target} ({report.profile})",
        f"{report.duration_s:.1f} s, {run}, createflow {report.createflow_version}",
    )
    told = "".join(f'<p class="facts">{escape(fact)}</p>' for fact in facts)
    said = "".join(f"<p>{escape(remark)}</p>" for remark in remarks(report))
    section = f'<section class="remarks">{said}</section>' if said else ""
    mood = _MOODS.get(verdict(report), "unsure")
    return (
        f'<header><h1 class="{mood}">{escape(words(report))}</h1>{told}'
        f'<ul class="numbers">{shown}</ul></header>{section}'
    )


def _filters(report: RunReport) -> str:
    steps = [step for step in Step if any(result.step is step for result in report.results)]
    outcomes = [outcome for outcome in Outcome if counted(report.results)[outcome]]
    tiers = [tier for tier in Tier if any(step.tier is tier for step in steps)]
    return (
        f"<form hidden>{_select('outcome', outcomes)}{_select('tier', tiers)}{_select('step', steps)}"
        '<span class="shown" role="status"></span></form>'
    )


def _select(name: str, values: Iterable[str]) -> str:
    options = "".join(f'<option value="{escape(str(value))}">{escape(str(value))}</option>' for value in values)
    return f'<label>{name}<select name="{name}"><option value="">all</option>{options}</select></label>'


def _settled(report: RunReport, tier: Tier) -> list[CheckResult]:
    return [result for result in report.results if result.step.tier is tier and result.outcome not in TROUBLE]


def _section(title: str, results: list[CheckResult]) -> str:
    checks = "\n".join(map(check, results))
    return f"<section><h2>{title}</h2>\n{checks}</section>" if results else ""
