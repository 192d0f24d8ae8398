"""One HTML page that needs nothing else: charts and all facts, opens offline, asks nobody, trusts no target's text."""

import json
from html import escape

from createflow.scenarios.reports.format.html_part import digest, part
from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load.chart import Chart, tip
from createflow.scenarios.reports.load.chart_data import Points, points
from createflow.scenarios.reports.load.charts import charts
from createflow.scenarios.reports.load.figure import ms
from createflow.scenarios.reports.load.headline import asked, rates
from createflow.scenarios.reports.load.html_section import section
from createflow.scenarios.reports.load.section import Section
from createflow.scenarios.reports.load.sections import sections
from createflow.scenarios.reports.load.vega_bundle import script
from createflow.scenarios.reports.load.verdict import mood, sentence, verdict
from createflow.schemas.load_report import LoadReport

_HERE = "createflow.scenarios.reports.load"
_FIRST = 4
"""So many sections stand above the charts: what the run came to."""


def render(report: LoadReport) -> str:
    """The whole page. Its policy lets exactly this style and these scripts run, known by their digests.

    Raises:
        UserError: the charting library is not installed.
    """
    style, library, drawing = part("load_page.css", _HERE), script(), part("load_page.js", _HERE)
    policy = (
        f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(library)}' '{digest(drawing)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    series = points(report)
    drawn = charts(report, series)
    told = sections(report)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{escape(f"createflow bench {verdict(report).value}: {one_line(report.target)}")}</title>
<style>{style}</style>
</head>
<body>
{_head(report)}
<main>
<div class="columns">
{_sections(told[:_FIRST])}</div>
{_legend(report, series)}
<div class="charts">
{"".join(map(_figure, drawn))}</div>
<div class="columns">
{_sections(told[_FIRST:])}</div>
</main>
<footer>createflow {escape(one_line(report.createflow_version))}, run {escape(one_line(report.run_id))}</footer>
<script type="application/json" id="numbers">{_numbers(drawn, series)}</script>
<script>{library}</script>
<script>{drawing}</script>
</body>
</html>
"""


def _head(report: LoadReport) -> str:
    tiles = [(f"{label}/s", number) for label, number in rates(report)]
    tiles += [(f"response {name}, ms", ms(value)) for name, value in _latencies(report)]
    shown = "".join(f"<li><b>{escape(number)}</b> {escape(label)}</li>" for label, number in tiles)
    facts = (f"{report.target} ({report.profile})", asked(report), report.started_at)
    told = "".join(f'<p class="facts">{escape(one_line(fact))}</p>' for fact in facts)
    return (
        f'<header><h1 class="{mood(report)}">{escape(sentence(report))}</h1>{told}'
        f'<ul class="numbers">{shown}</ul></header>'
    )


def _latencies(report: LoadReport) -> list[tuple[str, float]]:
    found = report.response
    return [("p50", found.p50_ms), ("p95", found.p95_ms), ("p99", found.p99_ms)] if found.count else []


def _sections(found: tuple[Section, ...]) -> str:
    return "".join(map(section, found))


def _legend(report: LoadReport, series: Points) -> str:
    if not series.rows:
        return ""
    parts = ['<i class="warmup"></i> warm-up, in no number'] if report.warmup_s else []
    if any(slo.at_s is not None and not slo.held for slo in report.slos):
        parts.append('<i class="worst"></i> worst window of a missed target')
    if series.step_s > 1:
        parts.append(f"each point is {series.step_s} s: the worst latency, the mean rate")
    told = "".join(f"<span>{part}</span>" for part in parts)
    return (
        f'<p class="legend">{told}</p><noscript><p>The charts need scripts; the tables hold the numbers.</p></noscript>'
    )


def _figure(chart: Chart) -> str:
    keys = "".join(
        f'<li><i class="{line.colour}{" dashed" if line.dashed else ""}"></i>{escape(tip(line))}</li>'
        for line in chart.lines
    )
    return (
        f'<figure id="{chart.id}" class="{chart.size}"><h3>{escape(chart.title)}</h3><ul class="keys">{keys}</ul>'
        f'<div class="chart"></div><figcaption id="{chart.id}-told">{escape(chart.told)}</figcaption></figure>\n'
    )


def _numbers(drawn: list[Chart], series: Points) -> str:
    document = {"charts": {chart.id: chart.spec for chart in drawn}, "seconds": series.rows}
    # Inside a script element only "<" can end or open anything.
    return json.dumps(document, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
