"""HTML: one page with the charts and every section."""

from createflow.scenarios.reports.format.html import read_part, render_page
from createflow.scenarios.reports.format.text import format_ms
from createflow.scenarios.reports.load.charts import draw_charts
from createflow.scenarios.reports.load.content import describe_load, list_rates
from createflow.scenarios.reports.load.sections import list_sections
from createflow.scenarios.reports.load.series import Series, series_of
from createflow.scenarios.reports.load.vega import build_bundle
from createflow.scenarios.reports.load.verdict import severity_of, summarize, verdict_of
from createflow.schemas.load_report import LoadReport

_ABOVE_CHARTS = 4
"""This many sections, those with the results, stand above the charts."""


def render(report: LoadReport) -> str:
    """The whole page.

    Raises:
        UserError: the charting library is not installed.
    """
    series = series_of(report)
    charts = draw_charts(report, series)
    sections = list_sections(report)
    return render_page(
        "load",
        title=f"createflow bench {verdict_of(report).value}: {report.target}",
        scripts=(build_bundle(), read_part("load.js")),
        report=report,
        severity=severity_of(report),
        verdict=summarize(report),
        facts=(f"{report.target} ({report.profile})", describe_load(report), report.started_at),
        numbers=_numbers(report),
        sections_above=sections[:_ABOVE_CHARTS],
        sections_below=sections[_ABOVE_CHARTS:],
        legend=_legend(report, series),
        charts=charts,
        data={"charts": {chart.id: chart.spec for chart in charts}, "seconds": series.points},
    )


def _numbers(report: LoadReport) -> list[tuple[str, str]]:
    """Label and value of the numbers in the headline."""
    numbers = [(f"{label}/s", number) for label, number in list_rates(report)]
    latency = report.response
    if latency.count:
        percentiles = (("p50", latency.p50_ms), ("p95", latency.p95_ms), ("p99", latency.p99_ms))
        numbers += [(f"response {name}, ms", format_ms(value_ms)) for name, value_ms in percentiles]
    return numbers


def _legend(report: LoadReport, series: Series) -> list[tuple[str, str]]:
    """Colour (may be empty) and meaning of what all charts share; empty without charts over time."""
    if not series.points:
        return []
    legend = [("warmup", "warm-up, excluded from all results")] if report.warmup_s else []
    if any(slo.at_s is not None and not slo.held for slo in report.slos):
        legend.append(("worst", "worst window of a missed target"))
    if series.step_s > 1:
        legend.append(("", f"each point stands for {series.step_s} s: the worst latency, the mean rate"))
    return legend
