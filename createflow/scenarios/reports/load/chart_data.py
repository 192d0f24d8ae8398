"""The numbers behind the charts: the series, thinned to what a screen can show."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from createflow.schemas.load_report import LoadReport, Moment

MOST_POINTS = 600
"""More than a chart has pixels to tell apart, and few enough to stay quick."""

Value = float | None
Point = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Points:
    """What the charts over time are drawn from."""

    step_s: int
    """So many seconds are one point: of latencies and loads the worst, of rates the mean."""
    rows: list[Point]
    statuses: tuple[str, ...]
    """The class of the columns ``c0``, ``c1`` and so on."""
    sinks: tuple[str, ...]
    """The sink of the columns ``k0``, ``k1`` and so on: names of columns are ours, whatever a sink is called."""

    @property
    def span_s(self) -> float:
        """The length of the time axis."""
        return (self.rows[-1]["t"] or 0.0) + self.step_s if self.rows else 0.0

    def has(self, column: str) -> bool:
        """Whether there is any number in it."""
        return any(row[column] is not None for row in self.rows)


_WORST: dict[str, Callable[[Moment], float]] = {
    "p50": lambda moment: moment.p50_ms,
    "p90": lambda moment: moment.p90_ms,
    "p95": lambda moment: moment.p95_ms,
    "p99": lambda moment: moment.p99_ms,
    "max": lambda moment: moment.max_ms,
    "service": lambda moment: moment.service_p99_ms,
    "pacing": lambda moment: moment.pacing_p99_ms,
    "cpu": lambda moment: moment.cpu_ratio * 100,
    "in_flight": lambda moment: moment.in_flight,
    "backlog": lambda moment: moment.backlog,
}
_LATENCIES = ("p50", "p90", "p95", "p99", "max", "service")
_MEAN: dict[str, Callable[[Moment], float]] = {
    "offered": lambda moment: moment.offered,
    "sent": lambda moment: moment.sent,
    "accepted": lambda moment: moment.statuses.get("2xx", 0),
    "failed": lambda moment: moment.failed,
    "dropped": lambda moment: moment.dropped,
}


def points(report: LoadReport) -> Points:
    """The whole run, warm-up included."""
    step_s = math.ceil(len(report.series) / MOST_POINTS) or 1
    statuses = tuple(sorted({status for moment in report.series for status in moment.statuses}))
    sinks = tuple(sorted({sink for moment in report.series for sink in moment.sink_lag_ms}))
    groups = [report.series[start : start + step_s] for start in range(0, len(report.series), step_s)]
    return Points(step_s, [_point(group, statuses, sinks) for group in groups], statuses, sinks)


def _point(group: Sequence[Moment], statuses: tuple[str, ...], sinks: tuple[str, ...]) -> Point:
    point: Point = {"t": group[0].t_s}
    point |= {name: _drawable(max(map(read, group))) for name, read in _WORST.items()}
    point |= {name: _mean(map(read, group)) for name, read in _MEAN.items()}
    for name in _LATENCIES:
        # Nothing was answered: no latency, which is not a latency of nothing.
        point[name] = point[name] or None
    for number, status in enumerate(statuses):
        point[f"c{number}"] = _mean(moment.statuses.get(status, 0) for moment in group)
    for number, sink in enumerate(sinks):
        lags = [moment.sink_lag_ms[sink] for moment in group if sink in moment.sink_lag_ms]
        point[f"k{number}"] = _drawable(max(lags)) if lags else None
        point[f"late{number}"] = 1 if any(map(math.isinf, lags)) else None
    return point


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return round(sum(found) / len(found), 2)


def _drawable(value: float) -> Value:
    return round(value, 3) if math.isfinite(value) else None
