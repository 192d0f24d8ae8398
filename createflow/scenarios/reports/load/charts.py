"""The charts of a load report, in their order."""

from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load.chart import Chart, Line, Spec, band, level, over_time, spans_decades, stacked
from createflow.scenarios.reports.load.chart_data import Points
from createflow.scenarios.reports.load.percentile_chart import percentile_chart
from createflow.scenarios.reports.load.slo_words import line, worst_window_s
from createflow.schemas.load_report import LoadReport

_CLASSES = {"2xx": "good", "3xx": "blue", "4xx": "orange", "429": "yellow", "5xx": "red", "503": "violet"}
_SINK_COLOURS = ("blue", "orange", "violet", "green", "red", "yellow")
_MOST_SINKS = len(_SINK_COLOURS)


def charts(report: LoadReport, points: Points) -> list[Chart]:
    """Those that there are numbers for."""
    percentiles = percentile_chart(report)
    found = [percentiles] if percentiles else []
    if not points.rows:
        return found
    shades = _shades(report)
    found = [_latency(report, points, shades), *found, _throughput(report, points, shades)]
    found += _replies(points, shades)
    if points.sinks:
        found.append(_sinks(report, points, shades))
    return [*found, *_generator(points, shades)]


def _shades(report: LoadReport) -> tuple[Spec, ...]:
    """The warm-up, and where targets were missed worst."""
    shades = [band(0, report.warmup_s, "warmup")] if report.warmup_s else []
    windows = {worst_window_s(slo) for slo in report.slos if not slo.held}
    return (*shades, *(band(*window, "worst") for window in sorted(window for window in windows if window)))


def _latency(report: LoadReport, points: Points, shades: tuple[Spec, ...]) -> Chart:
    lines = (
        Line("max", "max", "faint"),
        Line("p99", "p99", "red"),
        Line("p95", "p95", "orange"),
        Line("p90", "p90", "yellow"),
        Line("p50", "p50", "blue"),
        Line("service", "service p99", "violet", dashed=True),
    )
    levels = [found for found in map(line, report.slos) if found and found.axis == "latency"]
    seen = [row[name] for row in points.rows for name in ("p50", "max")]
    log = spans_decades(*seen, *(found.value for found in levels))
    above = tuple(level(found.value, found.label) for found in levels)
    return Chart(
        "latency",
        "response latency, ms",
        "Percentiles of the replies of each second, counted from when each request was due; beside them the p99 "
        "counted from when it was sent. Where the two part, requests waited to be sent."
        + (" The scale is logarithmic." if log else ""),
        lines,
        over_time(points, lines, log=log, below=shades, above=above),
        size="whole",
    )


def _throughput(report: LoadReport, points: Points, shades: tuple[Spec, ...]) -> Chart:
    lines = (
        Line("offered", "offered", "faint", unit="/s", dashed=True),
        Line("sent", "sent", "blue", unit="/s"),
        Line("accepted", "accepted", "good", unit="/s"),
    )
    levels = [found for found in map(line, report.slos) if found and found.axis == "rate"]
    above = tuple(level(found.value, found.label) for found in levels)
    told = "Requests that were due, that were sent, and that were answered with a 2xx, in each second."
    return Chart("throughput", "throughput, /s", told, lines, over_time(points, lines, below=shades, above=above))


def _replies(points: Points, shades: tuple[Spec, ...]) -> list[Chart]:
    lines = tuple(
        Line(f"c{number}", one_line(status), _CLASSES.get(status, "grey"), unit="/s")
        for number, status in enumerate(points.statuses)
    )
    other = tuple(
        Line(name, told, colour, unit="/s")
        for name, told, colour in (("failed", "failed", "grey"), ("dropped", "not sent", "blue"))
        if any(row[name] for row in points.rows)
    )
    bad = (*(line for line in lines if line.name != "2xx"), *other)
    told = "Replies of each second by class of status, one class on top of the other."
    found = []
    if lines:
        spec = stacked(points, (*lines, *other), below=shades)
        found.append(Chart("replies", "replies, /s", told, (*lines, *other), spec))
    if bad:
        told = "The same without what was accepted: refusals, errors, and requests that broke or never left."
        found.append(Chart("trouble", "not accepted, /s", told, bad, stacked(points, bad, below=shades)))
    return found


def _sinks(report: LoadReport, points: Points, shades: tuple[Spec, ...]) -> Chart:
    lines = tuple(
        Line(f"k{number}", one_line(sink), _SINK_COLOURS[number])
        for number, sink in enumerate(points.sinks[:_MOST_SINKS])
    )
    log = spans_decades(*(row[line.column] for row in points.rows for line in lines))
    late = tuple(_late(number) for number in range(len(lines)))
    spec = over_time(points, lines, log=log, below=shades, above=late)
    deadlines = {lag.sink: lag.deadline_ms for lag in (report.verification.lags if report.verification else ())}
    told = "How long the sampled create of each second took to arrive in each sink; a cross at the top came too late."
    promised = ", ".join(f"{one_line(sink)} {deadline_ms:g} ms" for sink, deadline_ms in deadlines.items())
    return Chart(
        "sinks", "sinks' lag, ms", told + (f" Promised: {promised}." if promised else ""), lines, spec, size="whole"
    )


def _late(number: int) -> Spec:
    mark = {"type": "text", "text": "\u00d7", "fontSize": 18, "fontWeight": "bold"}
    return {
        "transform": [{"filter": f"datum.late{number} === 1"}],
        "mark": mark | {"color": f"var(--{_SINK_COLOURS[number]})"},
        "encoding": {"x": {"field": "t", "type": "quantitative"}, "y": {"value": 6 + 10 * number}},
    }


def _generator(points: Points, shades: tuple[Spec, ...]) -> list[Chart]:
    waiting = (Line("in_flight", "in flight", "blue", unit=""), Line("backlog", "backlog", "red", unit=""))
    pacing = (Line("pacing", "pacing p99", "violet"),)
    cpu = (Line("cpu", "busiest load process", "orange", unit="% of a core"),)
    return [
        Chart(
            "waiting",
            "in flight, and waiting to be sent",
            "Requests without a reply yet, and requests that found no free sender.",
            waiting,
            over_time(points, waiting, below=shades),
            size="third",
        ),
        Chart(
            "pacing",
            "generator: late by, ms",
            "How late the generator itself woke up for the requests of each second: its own delay, not the target's.",
            pacing,
            over_time(points, pacing, below=shades),
            size="third",
        ),
        Chart(
            "cpu",
            "generator: CPU, % of a core",
            "CPU of the busiest load process: close to 100 the generator is the bottleneck.",
            cpu,
            over_time(points, cpu, below=shades),
            size="third",
        ),
    ]
