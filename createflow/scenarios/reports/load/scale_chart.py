"""The chart of the highest rate by the number of instances, with the law through the points."""

import math

from createflow.scenarios.reports.format.text import one_line
from createflow.scenarios.reports.load.vega import Chart, Line, Spec, line_mark, tooltip_field, value_axis
from createflow.schemas.load_finding import Scale

_BEYOND = 1.5
"""The law is drawn so much further than it was measured."""
_STEPS = 60
_RATE = Line("rate", "highest rate", "blue", unit="/s")
_LAW = Line("law", "Universal Scalability Law", "violet", unit="/s")
_PROPORTION = Line("proportion", "in proportion", "faint", unit="/s", dashed=True)


def draw_scale(scale: Scale) -> Chart | None:
    """The chart; None where no rate was found."""
    points = [point for point in scale.points if point.rate_per_s]
    if not points:
        return None
    most = max(point.count for point in points) * _BEYOND
    counts = [1 + (most - 1) * step / _STEPS for step in range(_STEPS + 1)]
    alone = scale.fit.rate_per_s if scale.fit is not None else points[0].rate_per_s / points[0].count
    curves = [(_PROPORTION, [(count, alone * count) for count in counts])]
    caption = "The highest rate that meets the targets with each number of instances."
    if scale.fit is not None:
        curves.append((_LAW, [(count, scale.fit.rate_with(count)) for count in counts]))
        caption += " The law is the nearest one to them; in proportion each instance does what one alone does."
    x: Spec = {
        "field": "count",
        "type": "quantitative",
        "axis": {"title": None, "values": _ticks(most), "format": "d"},
        "scale": {"domain": [1, most]},
    }
    layers = [_curve(line, curve, x) for line, curve in curves]
    layers.append(_points([(float(point.count), point.rate_per_s) for point in points], x))
    lines = (_RATE, *(line for line, _ in curves))
    name = one_line(scale.name)
    return Chart("scale", f"highest rate by {name}, /s", caption, lines, {"layer": layers}, size="whole")


def _curve(line: Line, curve: list[tuple[float, float]], x: Spec) -> Spec:
    rows = [{"count": round(count, 3), line.column: round(rate, 2)} for count, rate in curve]
    return {
        "data": {"values": rows},
        "mark": line_mark(line),
        "encoding": {"x": x, "y": value_axis(line.column, log=False)},
    }


def _points(points: list[tuple[float, float]], x: Spec) -> Spec:
    rows = [{"count": count, _RATE.column: rate} for count, rate in points]
    tips = [{"field": "count", "title": "instances", "type": "quantitative"}, tooltip_field(_RATE)]
    return {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 60, "color": f"var(--{_RATE.colour})"},
        "encoding": {"x": x, "y": value_axis(_RATE.column, log=False), "tooltip": tips},
    }


def _ticks(most: float) -> list[int]:
    step = max(1, math.ceil(most / 12))
    return list(range(1, math.floor(most) + 1, step))
