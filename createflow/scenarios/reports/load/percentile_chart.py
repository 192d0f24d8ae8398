"""Latency by percentile: the whole distribution, drawn as HdrHistogram's plotters draw it."""

from createflow.scenarios.reports.load.chart import (
    Chart,
    Line,
    Spec,
    height,
    level,
    pointer,
    shown_number,
    spans_decades,
    stroke,
)
from createflow.scenarios.reports.load.distribution import distribution
from createflow.scenarios.reports.load.slo_words import line
from createflow.schemas.load_report import LoadReport

_KINDS = {
    "response": Line("response", "response", "red"),
    "service": Line("service", "service", "violet", dashed=True),
}
# The axis counts nines: at 1 / (1 - q) for the quantile q, 10 is p90, 100 is p99.
_NAMES = "datum.value == 2 ? '50%' : format(100 * (1 - 1 / datum.value), '.8~g') + '%'"


def percentile_chart(report: LoadReport) -> Chart | None:
    """Response beside service; nothing where no request was measured."""
    curves = {name: distribution(report, name).curve() for name in _KINDS}
    shown = {name: curve for name, curve in curves.items() if curve}
    if not shown:
        return None
    top = max(inverse for curve in shown.values() for inverse, _ in curve)
    axis = {
        "title": None,
        "values": [1, 2, *(10**nines for nines in range(1, 10) if 10**nines <= top)],
        "labelExpr": _NAMES,
        "labelOverlap": True,
    }
    x = {
        "field": "inverse",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [1, max(top, 10)], "nice": False},
        "axis": axis,
    }
    levels = [found for found in map(line, report.slos) if found and found.axis == "latency"]
    values = [value_ms for curve in shown.values() for _, value_ms in curve]
    log = spans_decades(*values, *(found.value for found in levels))
    layers = [_curve(_KINDS[name], curve, x, log=log) for name, curve in shown.items()]
    layers += [level(found.value, found.label) for found in levels]
    layers.append(_pointer(shown, x))
    lines = tuple(_KINDS[name] for name in shown)
    told = (
        "So many percent of the requests were at most this slow. Each step to the right is another nine. "
        "Service counts from when a request was sent, response from when it was due."
    )
    return Chart("percentiles", "latency by percentile, ms", told, lines, {"layer": layers}, size="whole")


def _curve(shown: Line, curve: list[tuple[float, float]], x: Spec, *, log: bool) -> Spec:
    rows = [{"inverse": round(inverse, 4), shown.column: round(value_ms, 3)} for inverse, value_ms in curve]
    return {
        "data": {"values": rows},
        "mark": stroke(shown),
        "encoding": {"x": x, "y": height(shown.column, log=log)},
    }


def _pointer(shown: dict[str, list[tuple[float, float]]], x: Spec) -> Spec:
    """Tells all latencies at a percentile that every curve reaches."""
    known = [dict(curve) for curve in shown.values()]
    rows = [
        {"inverse": inverse, "percent": 100 - 100 / inverse} | {name: dict(shown[name])[inverse] for name in shown}
        for inverse in known[0]
        if all(inverse in curve for curve in known)
    ]
    tips: list[Spec] = [{"field": "percent", "title": "percentile", "type": "quantitative", "format": ".8~g"}]
    tips += [shown_number(_KINDS[name]) for name in shown]
    return {"data": {"values": rows}, **pointer(x, tips)}
