"""The charts show the targets of the whole load."""

import json

import pytest

from createflow.scenarios.reports.load.charts import draw_charts
from createflow.scenarios.reports.load.series import series_of
from createflow.schemas.load_report import SloVerdict
from tests.scenarios.reports.load.made_load_report import load_report


def _labels(*targets: str, chart_id: str) -> list[tuple[str, float]]:
    slos = [SloVerdict(target=target, seen=1.0, held=False, at_s=2.0).model_dump() for target in targets]
    report = load_report(slos=slos)
    (chart,) = [chart for chart in draw_charts(report, series_of(report)) if chart.id == chart_id]
    values = [value for layer in chart.spec["layer"] for value in layer.get("data", {}).get("values", [])]
    return [(value["label"], value["at"]) for value in values if "label" in value]


@pytest.mark.parametrize("chart_id", ["latency", "percentiles"])
def test_latency_targets_are_lines_in_milliseconds(chart_id: str) -> None:
    """Also two of the same percentile."""
    labels = _labels("p99<=100ms", "p99<=2s every 10s", "p99.9<0.5s", chart_id=chart_id)
    assert labels == [("p99 target", 100.0), ("p99 target", 2000.0), ("p99.9 target", 500.0)]


def test_a_rate_target_is_a_line_in_the_throughput() -> None:
    """Per second."""
    assert _labels("rate>=500/s", chart_id="throughput") == [("rate target", 500.0)]


@pytest.mark.parametrize("target", ["create.p99<=100ms", "errors<0.1%", "anything", "read.rate>=5/s"])
def test_other_targets_are_no_lines(target: str) -> None:
    """A target of one operation does not belong to a curve of all operations."""
    assert _labels(target, chart_id="latency") == []
    assert _labels(target, chart_id="throughput") == []


def test_the_worst_window_is_shaded() -> None:
    """It is as long as the window of the target."""
    slos = [SloVerdict(target="p99<=1ms every 2m", seen=1.0, held=False, at_s=0.0).model_dump()]
    report = load_report(slos=slos)
    chart = draw_charts(report, series_of(report))[0]
    assert '{"from": 0.0, "to": 120.0}' in json.dumps(chart.spec)
