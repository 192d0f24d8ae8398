"""One chart as a Vega-Lite specification, and the pieces that several share.

Colours are variables of the page's style, so that light, dark and print need no second drawing. Names of columns and
signals are ours alone: what a target says is only ever a text that is shown.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

from createflow.scenarios.reports.load.chart_data import Points

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One column of the data, and how it is shown."""

    column: str
    name: str
    colour: str
    """The name of a variable of the style."""
    unit: str = "ms"
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure of the page."""

    id: str
    title: str
    told: str
    """What it shows, for those who cannot see it and those who ask what it means."""
    lines: tuple[Line, ...]
    spec: Spec
    size: Literal["whole", "half", "third"] = "half"
    """Of the page's width."""


def over_time(
    points: Points,
    lines: tuple[Line, ...],
    *,
    log: bool = False,
    below: tuple[Spec, ...] = (),
    above: tuple[Spec, ...] = (),
) -> Spec:
    """Lines over the seconds of the run, with what is shown when one points at a second."""
    x = _seconds(points.span_s)
    drawn = [
        {"mark": stroke(line), "encoding": {"x": x, "y": height(line.column, log=log)}}
        for line in lines
        if points.has(line.column)  # an axis of nothing cannot be drawn
    ]
    return {"data": {"name": "seconds"}, "layer": [*below, *drawn, *above, _second_pointer(lines, x)]}


def tip(line: Line) -> str:
    """The line's name with its unit."""
    return f"{line.name}, {line.unit}" if line.unit else line.name


def stacked(points: Points, lines: tuple[Line, ...], *, below: tuple[Spec, ...] = ()) -> Spec:
    """Areas on top of each other, the first line lowest."""
    x = _seconds(points.span_s)
    columns = [line.column for line in lines]
    colours = {"domain": columns, "range": [f"var(--{line.colour})" for line in lines]}
    place = {"calculate": f"indexof({columns}, datum.column)", "as": "place"}
    area = {
        "transform": [{"fold": columns, "as": ["column", "value"]}, place],
        "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.7},
        "encoding": {
            "x": x,
            "y": {"field": "value", "type": "quantitative", "stack": "zero", "axis": {"title": None}},
            "order": {"field": "place", "type": "quantitative"},
            "color": {"field": "column", "type": "nominal", "scale": colours, "legend": None},
        },
    }
    return {"data": {"name": "seconds"}, "layer": [*below, area, _second_pointer(lines, x)]}


def shown_number(line: Line) -> Spec:
    """The line's value, for those who point at it."""
    return {"field": line.column, "title": tip(line), "type": "quantitative", "format": ",.4~g"}


def pointer(x: Spec, tips: list[Spec]) -> Spec:
    """A thin line at the nearest point, which tells all numbers there."""
    near = {"type": "point", "fields": [x["field"]], "nearest": True, "on": "pointerover", "clear": "pointerout"}
    return {
        "params": [{"name": "near", "select": near}],
        "mark": {"type": "rule", "color": "var(--faint)"},
        "encoding": {
            "x": x,
            "opacity": {"condition": {"param": "near", "empty": False, "value": 0.7}, "value": 0},
            "tooltip": tips,
        },
    }


def stroke(line: Line) -> Spec:
    """How a line is drawn."""
    mark: Spec = {"type": "line", "color": f"var(--{line.colour})", "strokeWidth": 1.6}
    return mark | {"strokeDash": [4, 3]} if line.dashed else mark


def band(start: float, end: float, colour: str) -> Spec:
    """A range of seconds, shaded over the whole height."""
    x = {"field": "from", "type": "quantitative"}
    return {
        "data": {"values": [{"from": start, "to": end}]},
        "mark": {"type": "rect", "color": f"var(--{colour})"},
        "encoding": {"x": x, "x2": {"field": "to"}},
    }


def level(value: float, label: str) -> Spec:
    """A line across at this height, with its name."""
    y = {"field": "at", "type": "quantitative"}
    text = {"type": "text", "align": "left", "baseline": "bottom", "dx": 4, "dy": -2, "color": "var(--target)"}
    named = {"y": y, "x": {"value": 0}, "text": {"field": "label"}}
    return {
        "data": {"values": [{"at": value, "label": label}]},
        "layer": [
            {"mark": {"type": "rule", "color": "var(--target)", "strokeDash": [6, 3]}, "encoding": {"y": y}},
            # Drawn twice: the first, thick and in the ground's colour, keeps the lines of the data out of the letters.
            {"mark": text | {"stroke": "var(--sheet)", "strokeWidth": 4}, "encoding": named},
            {"mark": text, "encoding": named},
        ],
    }


def height(column: str, *, log: bool) -> Spec:
    """The axis of a column's values."""
    scale: Spec = {"type": "log"} if log else {"zero": True}
    axis: Spec = {"title": None}
    if log:
        axis["values"] = [digit * 10**power for power in range(-3, 7) for digit in (1, 3)]
    return {"field": column, "type": "quantitative", "scale": scale, "axis": axis}


def spans_decades(*values: float | None) -> bool:
    """Whether only a logarithmic axis shows the low and the high of these."""
    found = [value for value in values if value]
    return bool(found) and max(found) > 50 * min(found)


_CLOCK = (
    "datum.value < 60 ? datum.value + ' s' : datum.value % 60 == 0 ? datum.value / 60 + ' min' : "
    "floor(datum.value / 60) + (datum.value % 60 < 10 ? ':0' : ':') + datum.value % 60"
)
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


def _ticks(span_s: float) -> list[int]:
    step_s = next((step for step in _STEPS_S if span_s / step <= 10), 86400)
    return [step_s * number for number in range(math.floor(span_s / step_s) + 1)]


def _seconds(span_s: float) -> Spec:
    axis = {"title": None, "values": _ticks(span_s), "labelExpr": _CLOCK, "labelOverlap": True}
    return {"field": "t", "type": "quantitative", "axis": axis, "scale": {"domain": [0, span_s], "nice": False}}


def _second_pointer(lines: tuple[Line, ...], x: Spec) -> Spec:
    tips: list[Spec] = [{"field": "t", "title": "second", "type": "quantitative", "format": "~g"}]
    return pointer(x, [*tips, *map(shown_number, lines)])
