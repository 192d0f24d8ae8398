"""The charts of a load report."""

from collections.abc import Iterable, Mapping

from createflow.scenarios.reports.format.text import one_line
from createflow.scenarios.reports.load.histogram import read_distribution
from createflow.scenarios.reports.load.scale_chart import draw_scale
from createflow.scenarios.reports.load.series import Series
from createflow.scenarios.reports.load.vega import (
    Chart,
    Line,
    Spec,
    areas_over_time,
    horizontal_line,
    line_mark,
    lines_over_time,
    needs_log_scale,
    pointer_layer,
    shaded_range,
    tooltip_field,
    value_axis,
)
from createflow.schemas.load_report import LoadReport
from createflow.schemas.slo import Metric

_STATUS_COLOURS = {"2xx": "good", "3xx": "blue", "4xx": "orange", "429": "yellow", "5xx": "red", "503": "violet"}
_SINK_COLOURS = ("blue", "orange", "violet", "green", "red", "yellow")
_MAX_SINKS = len(_SINK_COLOURS)

_DISTRIBUTIONS = {
    "response": Line("response", "response", "red"),
    "service": Line("service", "service", "violet", dashed=True),
}
# The axis counts nines: the quantile q is drawn at 1 / (1 - q), so 10 is p90 and 100 is p99.
_PERCENTILE_LABEL = "datum.value == 2 ? '50%' : format(100 * (1 - 1 / datum.value), '.8~g') + '%'"

Curve = list[tuple[float, float]]
"""Points of latency by percentile: 1 / (1 - q), and milliseconds."""


def draw_charts(report: LoadReport, series: Series) -> list[Chart]:
    """The charts for which the report has numbers, in their order."""
    scale = draw_scale(report.scale) if report.scale is not None else None
    first = [scale] if scale else []
    percentiles = _percentiles(report)
    charts = [percentiles] if percentiles else []
    if not series.points:
        return [*first, *charts]
    shades = _shades(report)
    charts = [*first, _latency(report, series, shades), *charts, _throughput(report, series, shades)]
    charts += _replies(series, shades)
    if series.sinks:
        charts.append(_sinks_lag(report, series, shades))
    return [*charts, *_generator(series, shades)]


def _shades(report: LoadReport) -> tuple[Spec, ...]:
    """The warm-up, and the worst windows of the missed targets."""
    shades = [shaded_range(0, report.warmup_s, "warmup")] if report.warmup_s else []
    windows = {slo.worst_window_s for slo in report.slos if not slo.held and slo.worst_window_s is not None}
    return (*shades, *(shaded_range(*window, "worst") for window in sorted(windows)))


def _latency_targets(report: LoadReport) -> list[tuple[str, float]]:
    """Label and bound in milliseconds of the latency targets.

    Those of a single operation are left out, because the charts show all operations together.
    """
    return [
        (f"{slo.metric_name} target", slo.bound_ms) for slo in report.slos if slo.bound_ms and slo.operation is None
    ]


def _rate_targets(report: LoadReport) -> list[tuple[str, float]]:
    """The same of the targets for the accepted rate, a second."""
    return [
        ("rate target", slo.bound)
        for slo in report.slos
        if slo.metric is Metric.RATE and slo.operation is None and slo.bound is not None
    ]


def _horizontal_lines(targets: Iterable[tuple[str, float]]) -> tuple[Spec, ...]:
    return tuple(horizontal_line(bound, label) for label, bound in targets)


def _latency(report: LoadReport, series: Series, shades: tuple[Spec, ...]) -> Chart:
    lines = (
        Line("max", "max", "faint"),
        Line("p99", "p99", "red"),
        Line("p95", "p95", "orange"),
        Line("p90", "p90", "yellow"),
        Line("p50", "p50", "blue"),
        Line("service", "service p99", "violet", dashed=True),
    )
    targets = _latency_targets(report)
    extremes = [point[name] for point in series.points for name in ("p50", "max")]
    log = needs_log_scale(*extremes, *(bound_ms for _, bound_ms in targets))
    return Chart(
        "latency",
        "response latency, ms",
        "Response latency of the replies of each second, from when each request was due, and the service p99, from "
        "when it was sent. Where the two differ, requests waited to be sent."
        + (" The scale is logarithmic." if log else ""),
        lines,
        lines_over_time(series, lines, log=log, below=shades, above=_horizontal_lines(targets)),
        size="whole",
    )


def _throughput(report: LoadReport, series: Series, shades: tuple[Spec, ...]) -> Chart:
    lines = (
        Line("offered", "offered", "faint", unit="/s", dashed=True),
        Line("sent", "sent", "blue", unit="/s"),
        Line("accepted", "accepted", "good", unit="/s"),
    )
    caption = "Requests that were due, requests that were sent, and replies with 2xx, in each second."
    spec = lines_over_time(series, lines, below=shades, above=_horizontal_lines(_rate_targets(report)))
    return Chart("throughput", "throughput, /s", caption, lines, spec)


def _replies(series: Series, shades: tuple[Spec, ...]) -> list[Chart]:
    statuses = tuple(
        Line(f"c{number}", one_line(status), _STATUS_COLOURS.get(status, "grey"), unit="/s")
        for number, status in enumerate(series.statuses)
    )
    others = tuple(
        Line(column, name, colour, unit="/s")
        for column, name, colour in (("failed", "failed", "grey"), ("dropped", "not sent", "blue"))
        if any(point[column] for point in series.points)
    )
    not_accepted = (*(line for line in statuses if line.name != "2xx"), *others)
    charts = []
    if statuses:
        caption = "Replies of each second by status class, stacked."
        spec = areas_over_time(series, (*statuses, *others), below=shades)
        charts.append(Chart("replies", "replies, /s", caption, (*statuses, *others), spec))
    if not_accepted:
        caption = "The same without accepted requests: refusals, errors, and requests that failed or were not sent."
        spec = areas_over_time(series, not_accepted, below=shades)
        charts.append(Chart("not_accepted", "not accepted, /s", caption, not_accepted, spec))
    return charts


def _sinks_lag(report: LoadReport, series: Series, shades: tuple[Spec, ...]) -> Chart:
    lines = tuple(
        Line(f"k{number}", one_line(sink), _SINK_COLOURS[number])
        for number, sink in enumerate(series.sinks[:_MAX_SINKS])
    )
    log = needs_log_scale(*(point[line.column] for point in series.points for line in lines))
    late_marks = tuple(_late_marks(number) for number in range(len(lines)))
    spec = lines_over_time(series, lines, log=log, below=shades, above=late_marks)
    caption = (
        "How long the sampled create of each second took to arrive in each sink. A cross at the top: it missed the "
        "deadline."
    )
    lags = report.verification.lags if report.verification else ()
    if lags:
        caption += f" Deadlines: {', '.join(f'{one_line(lag.sink)} {lag.deadline_ms:g} ms' for lag in lags)}."
    return Chart("sinks", "sinks' lag, ms", caption, lines, spec, size="whole")


def _late_marks(number: int) -> Spec:
    mark = {"type": "text", "text": "\u00d7", "fontSize": 18, "fontWeight": "bold"}
    return {
        "transform": [{"filter": f"datum.late{number} === 1"}],
        "mark": mark | {"color": f"var(--{_SINK_COLOURS[number]})"},
        "encoding": {"x": {"field": "t", "type": "quantitative"}, "y": {"value": 6 + 10 * number}},
    }


def _generator(series: Series, shades: tuple[Spec, ...]) -> list[Chart]:
    waiting = (Line("in_flight", "in flight", "blue", unit=""), Line("backlog", "backlog", "red", unit=""))
    pacing = (Line("pacing", "pacing p99", "violet"),)
    cpu = (Line("cpu", "busiest load process", "orange", unit="% of a core"),)
    return [
        Chart(
            "waiting",
            "in flight and backlog",
            "Requests without a reply yet, and requests that are due and wait for a free sender.",
            waiting,
            lines_over_time(series, waiting, below=shades),
            size="third",
        ),
        Chart(
            "pacing",
            "generator: pacing delay, ms",
            "How late the generator woke up for the requests of each second: its own delay, not the target's.",
            pacing,
            lines_over_time(series, pacing, below=shades),
            size="third",
        ),
        Chart(
            "cpu",
            "generator: CPU, % of a core",
            "CPU of the busiest load process. Close to 100, the generator is the bottleneck.",
            cpu,
            lines_over_time(series, cpu, below=shades),
            size="third",
        ),
    ]


def _percentiles(report: LoadReport) -> Chart | None:
    """Latency by percentile, as HdrHistogram's plotters draw it. None: no request was measured."""
    all_curves = {name: read_distribution(report, name).curve() for name in _DISTRIBUTIONS}
    curves = {name: curve for name, curve in all_curves.items() if curve}
    if not curves:
        return None
    targets = _latency_targets(report)
    latencies = [value_ms for curve in curves.values() for _, value_ms in curve]
    log = needs_log_scale(*latencies, *(bound_ms for _, bound_ms in targets))
    x = _percentile_axis(max(inverse for curve in curves.values() for inverse, _ in curve))
    layers = [_curve_layer(_DISTRIBUTIONS[name], curve, x, log=log) for name, curve in curves.items()]
    layers += [*_horizontal_lines(targets), _percentile_pointer(curves, x)]
    return Chart(
        "percentiles",
        "latency by percentile, ms",
        "The latency that this percentage of the requests did not exceed. Each step to the right is another nine. "
        "Service latency starts when a request was sent, response latency when it was due.",
        tuple(_DISTRIBUTIONS[name] for name in curves),
        {"layer": layers},
        size="whole",
    )


def _percentile_axis(top: float) -> Spec:
    return {
        "field": "inverse",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [1, max(top, 10)], "nice": False},
        "axis": {
            "title": None,
            "values": [1, 2, *(10**nines for nines in range(1, 10) if 10**nines <= top)],
            "labelExpr": _PERCENTILE_LABEL,
            "labelOverlap": True,
        },
    }


def _curve_layer(line: Line, curve: Curve, x: Spec, *, log: bool) -> Spec:
    rows = [{"inverse": round(inverse, 4), line.column: round(value_ms, 3)} for inverse, value_ms in curve]
    return {
        "data": {"values": rows},
        "mark": line_mark(line),
        "encoding": {"x": x, "y": value_axis(line.column, log=log)},
    }


def _percentile_pointer(curves: Mapping[str, Curve], x: Spec) -> Spec:
    """A tooltip with all latencies at each percentile that every curve reaches."""
    known = {name: dict(curve) for name, curve in curves.items()}
    shared = set.intersection(*map(set, known.values()))
    first = next(iter(known.values()))
    rows = [
        {"inverse": inverse, "percent": 100 - 100 / inverse} | {name: curve[inverse] for name, curve in known.items()}
        for inverse in first
        if inverse in shared
    ]
    tips: list[Spec] = [{"field": "percent", "title": "percentile", "type": "quantitative", "format": ".8~g"}]
    tips += [tooltip_field(_DISTRIBUTIONS[name]) for name in curves]
    return {"data": {"values": rows}, **pointer_layer(x, tips)}
