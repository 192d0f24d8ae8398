"""Vega-Lite: the parts of a chart's specification, and the library as a script.

Colours are variables of the page's style, so that light, dark and print use the same drawing. Names of columns and
signals are ours: text of a target is only ever shown.
"""

import importlib.util
import math
from dataclasses import dataclass
from typing import Any, Literal

from createflow.scenarios.reports.load.series import Series
from createflow.schemas.error import UserError

EXTRA = "charts"

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One column of the data, and how it is drawn."""

    column: str
    name: str
    colour: str
    """The name of a colour variable of the style."""
    unit: str = "ms"
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure of the page."""

    id: str
    title: str
    caption: str
    """What the chart shows, in words: also for those who cannot see it."""
    lines: tuple[Line, ...]
    spec: Spec
    size: Literal["whole", "half", "third"] = "half"
    """The part of the page's width that it takes."""

    @property
    def keys(self) -> list[tuple[Line, str]]:
        """The lines with their labels, for the legend."""
        return [(line, label_of(line)) for line in self.lines]


def lines_over_time(
    series: Series,
    lines: tuple[Line, ...],
    *,
    log: bool = False,
    below: tuple[Spec, ...] = (),
    above: tuple[Spec, ...] = (),
) -> Spec:
    """Lines over the seconds of the run, with a tooltip for each second.

    Args:
        series: the data.
        lines: what is drawn.
        log: use a logarithmic axis.
        below: layers under the lines.
        above: layers over the lines.
    """
    x = _time_axis(series.span_s)
    drawn = [
        {"mark": line_mark(line), "encoding": {"x": x, "y": value_axis(line.column, log=log)}}
        for line in lines
        if series.has(line.column)  # Vega cannot draw an axis without numbers
    ]
    return {"data": {"name": "seconds"}, "layer": [*below, *drawn, *above, _pointer_over_time(lines, x)]}


def label_of(line: Line) -> str:
    """The name of a line with its unit."""
    return f"{line.name}, {line.unit}" if line.unit else line.name


def areas_over_time(series: Series, lines: tuple[Line, ...], *, below: tuple[Spec, ...] = ()) -> Spec:
    """Stacked areas, the first line at the bottom."""
    x = _time_axis(series.span_s)
    columns = [line.column for line in lines]
    colours = {"domain": columns, "range": [f"var(--{line.colour})" for line in lines]}
    position = {"calculate": f"indexof({columns}, datum.column)", "as": "position"}
    area = {
        "transform": [{"fold": columns, "as": ["column", "value"]}, position],
        "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.7},
        "encoding": {
            "x": x,
            "y": {"field": "value", "type": "quantitative", "stack": "zero", "axis": {"title": None}},
            "order": {"field": "position", "type": "quantitative"},
            "color": {"field": "column", "type": "nominal", "scale": colours, "legend": None},
        },
    }
    return {"data": {"name": "seconds"}, "layer": [*below, area, _pointer_over_time(lines, x)]}


def tooltip_field(line: Line) -> Spec:
    """The value of a line in a tooltip."""
    return {"field": line.column, "title": label_of(line), "type": "quantitative", "format": ",.4~g"}


def pointer_layer(x: Spec, tips: list[Spec]) -> Spec:
    """A thin vertical line at the nearest point, with a tooltip."""
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


def line_mark(line: Line) -> Spec:
    """The mark of a line."""
    mark: Spec = {"type": "line", "color": f"var(--{line.colour})", "strokeWidth": 1.6}
    return mark | {"strokeDash": [4, 3]} if line.dashed else mark


def shaded_range(start: float, end: float, colour: str) -> Spec:
    """A shaded range of seconds."""
    x = {"field": "from", "type": "quantitative"}
    return {
        "data": {"values": [{"from": start, "to": end}]},
        "mark": {"type": "rect", "color": f"var(--{colour})"},
        "encoding": {"x": x, "x2": {"field": "to"}},
    }


def horizontal_line(value: float, label: str) -> Spec:
    """A labelled horizontal line at this value."""
    y = {"field": "at", "type": "quantitative"}
    text = {"type": "text", "align": "left", "baseline": "bottom", "dx": 4, "dy": -2, "color": "var(--target)"}
    named = {"y": y, "x": {"value": 0}, "text": {"field": "label"}}
    return {
        "data": {"values": [{"at": value, "label": label}]},
        "layer": [
            {"mark": {"type": "rule", "color": "var(--target)", "strokeDash": [6, 3]}, "encoding": {"y": y}},
            # Drawn twice: the first, thick and in the background colour, separates the letters from the data.
            {"mark": text | {"stroke": "var(--sheet)", "strokeWidth": 4}, "encoding": named},
            {"mark": text, "encoding": named},
        ],
    }


def value_axis(column: str, *, log: bool) -> Spec:
    """The vertical axis of a column."""
    scale: Spec = {"type": "log"} if log else {"zero": True}
    axis: Spec = {"title": None}
    if log:
        axis["values"] = [digit * 10**power for power in range(-3, 7) for digit in (1, 3)]
    return {"field": column, "type": "quantitative", "scale": scale, "axis": axis}


def needs_log_scale(*values: float | None) -> bool:
    """Whether a linear axis would hide the low values beside the high ones."""
    found = [value for value in values if value]
    return bool(found) and max(found) > 50 * min(found)


_CLOCK_LABEL = (
    "datum.value < 60 ? datum.value + ' s' : datum.value % 60 == 0 ? datum.value / 60 + ' min' : "
    "floor(datum.value / 60) + (datum.value % 60 < 10 ? ':0' : ':') + datum.value % 60"
)
_TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


def _ticks(span_s: float) -> list[int]:
    step_s = next((step for step in _TICK_STEPS_S if span_s / step <= 10), 86400)
    return [step_s * number for number in range(math.floor(span_s / step_s) + 1)]


def _time_axis(span_s: float) -> Spec:
    axis = {"title": None, "values": _ticks(span_s), "labelExpr": _CLOCK_LABEL, "labelOverlap": True}
    return {"field": "t", "type": "quantitative", "axis": axis, "scale": {"domain": [0, span_s], "nice": False}}


def _pointer_over_time(lines: tuple[Line, ...], x: Spec) -> Spec:
    tips: list[Spec] = [{"field": "t", "title": "second", "type": "quantitative", "format": "~g"}]
    return pointer_layer(x, [*tips, *map(tooltip_field, lines)])


def require_installed() -> None:
    """Require the charting library.

    Raises:
        UserError: the extra is not installed.
    """
    if importlib.util.find_spec("vl_convert") is None:
        raise UserError(
            "the HTML and SVG reports of a load need a charting library that is not installed",
            hint=f"pip install 'createflow[{EXTRA}]'; the other formats do not need it",
        )


def draw(spec: Spec) -> str:
    """A whole Vega-Lite specification as SVG.

    Raises:
        UserError: the extra is not installed.
    """
    require_installed()
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec))


def build_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that defines ``vegaEmbed``, safe inside a script element.

    Why: vl-convert carries them in its wheel, so nothing is downloaded.

    Raises:
        UserError: the extra is not installed.
    """
    require_installed()
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")
