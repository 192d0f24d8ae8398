"""SVG: one picture of a run, to be put into a document.

Second by second, above how many requests were due, accepted, refused and failed; below how long the accepted and the
refused waited. It shows whether a target past its limit goes on doing what it can. With ``--scale`` it is another one:
the highest rate by number of instances.
"""

from createflow.scenarios.reports.load.vega import Spec, draw
from createflow.schemas.load_finding import Scale
from createflow.schemas.load_report import LoadReport, Moment

_WIDTH = 640
_COUNTS = {"accepted": "#2e8b57", "refused": "#8a63d2", "other": "#c0392b"}
_LATENCIES = {"accepted": "#2e8b57", "refused": "#8a63d2"}
_RATES = {"measured": "#2e8b57", "in proportion": "#999999", "by the law": "#8a63d2"}
_STEPS = 60
_BEYOND = 1.25
"""The law is drawn so much further than it was measured."""
_STYLE: Spec = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "background": "white",
    "padding": 12,
    "config": {"view": {"stroke": None}, "axis": {"gridColor": "#e6e6e6", "domainColor": "#999999"}},
}
_DUE_COLOUR = "#444444"
_REFUSALS = ("429", "503")


def render(report: LoadReport) -> str:
    """The picture. Seconds in which nothing was due and nothing answered are left out.

    Raises:
        UserError: the charting library is not installed.
    """
    if report.scale is not None and any(point.rate_per_s for point in report.scale.points):
        return draw(_STYLE | _scale(report.scale))
    moments = [moment for moment in report.series if moment.offered or moment.statuses]
    span_s = max((moment.t_s + 1 for moment in moments), default=1.0)
    return draw(
        _STYLE
        | {
            "resolve": {"scale": {"color": "independent"}, "legend": {"color": "independent"}},
            "vconcat": [_counts(moments, span_s), _latencies(moments, span_s)],
        }
    )


def _counts(moments: list[Moment], span_s: float) -> Spec:
    rows: list[Spec] = []
    for moment in moments:
        top = 0
        for what, count in _answers(moment).items():
            if count:
                edges = {"from": moment.t_s + 0.04, "to": moment.t_s + 0.96, "low": top, "high": top + count}
                rows.append({"second": moment.t_s, "what": what, "count": count} | edges)
            top += count
    due = [{"from": moment.t_s, "to": moment.t_s + 1, "due": moment.offered} for moment in moments if moment.offered]
    said = "'second ' + datum.second + ', ' + datum.what + ': ' + datum.count"
    bars = {
        "data": {"values": rows},
        "transform": [{"calculate": said, "as": "said"}],
        "mark": "rect",
        "encoding": {
            "x": _time("from", span_s),
            "x2": {"field": "to"},
            "y": {"field": "low", "type": "quantitative", "axis": {"title": "requests a second"}},
            "y2": {"field": "high"},
            "color": _colour(_COUNTS),
            "description": {"field": "said"},
        },
    }
    line = {
        "data": {"values": due},
        "mark": {"type": "rule", "color": _DUE_COLOUR, "strokeWidth": 2},
        "encoding": {
            "x": _time("from", span_s),
            "x2": {"field": "to"},
            "y": {"field": "due", "type": "quantitative"},
        },
    }
    return {
        "width": _WIDTH,
        "height": 190,
        "title": {
            "text": "Replies of each second; the line: requests that were due",
            "anchor": "start",
            "fontSize": 12,
        },
        "layer": [bars, line],
    }


def _latencies(moments: list[Moment], span_s: float) -> Spec:
    rows = [
        {"t": moment.t_s + 0.5, "what": what, "ms": round(value_ms, 1)}
        for moment in moments
        for what, value_ms in (("accepted", moment.accepted_p99_ms), ("refused", moment.refused_p99_ms))
        if value_ms
    ]
    return {
        "width": _WIDTH,
        "height": 130,
        "title": {"text": "p99 of these replies, from when each request was due", "anchor": "start", "fontSize": 12},
        "data": {"values": rows},
        "mark": {"type": "line", "point": True, "strokeWidth": 1.8},
        "encoding": {
            "x": _time("t", span_s) | {"axis": {"title": "second of the run"}},
            "y": {"field": "ms", "type": "quantitative", "scale": {"zero": True}, "axis": {"title": "p99, ms"}},
            "color": _colour(_LATENCIES),
        },
    }


def _scale(scale: Scale) -> Spec:
    """Each highest rate as a point, the law through them, and what instances would do that do not meet at all."""
    points = [point for point in scale.points if point.rate_per_s]
    most = max(point.count for point in points) * _BEYOND
    counts = [1 + (most - 1) * step / _STEPS for step in range(_STEPS + 1)]
    alone = scale.fit.rate_per_s if scale.fit is not None else points[0].rate_per_s / points[0].count
    rows = [{"count": count, "rate": alone * count, "what": "in proportion"} for count in counts]
    if scale.fit is not None:
        rows += [{"count": count, "rate": scale.fit.rate_with(count), "what": "by the law"} for count in counts]
    measured = [{"count": point.count, "rate": point.rate_per_s, "what": "measured"} for point in points]
    ticks = list(range(1, int(most) + 1, max(1, int(most) // 10)))
    encoding = {
        "x": {"field": "count", "type": "quantitative", "scale": {"domain": [1, most], "nice": False}}
        | {"axis": {"title": scale.name, "values": ticks, "format": "d"}},
        "y": {"field": "rate", "type": "quantitative", "axis": {"title": "highest rate, /s"}},
        "color": _colour(_RATES),
    }
    return {
        "width": _WIDTH,
        "height": 260,
        "title": {"text": "Highest rate that meets the targets", "anchor": "start", "fontSize": 12},
        "layer": [
            {"data": {"values": rows}, "mark": {"type": "line", "strokeWidth": 1.8}, "encoding": encoding},
            {"data": {"values": measured}, "mark": {"type": "point", "filled": True, "size": 70}, "encoding": encoding},
        ],
    }


def _answers(moment: Moment) -> dict[str, int]:
    """The requests of a second by what became of them. ``other`` is every other status, and no reply."""
    accepted = moment.statuses.get("2xx", 0)
    refused = sum(moment.statuses.get(status, 0) for status in _REFUSALS)
    other = sum(moment.statuses.values()) - accepted - refused + moment.failed + moment.dropped
    return {"accepted": accepted, "refused": refused, "other": other}


def _time(field: str, span_s: float) -> Spec:
    scale = {"domain": [0, span_s], "nice": False}
    return {"field": field, "type": "quantitative", "axis": {"title": None}, "scale": scale}


def _colour(colours: dict[str, str]) -> Spec:
    scale = {"domain": list(colours), "range": list(colours.values())}
    return {"field": "what", "type": "nominal", "scale": scale, "legend": {"title": None, "orient": "right"}}
