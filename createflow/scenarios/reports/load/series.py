"""The time series behind the charts, thinned to what a screen can show."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from createflow.schemas.load_report import LoadReport, Moment

MAX_POINTS = 600
"""More than a chart has pixels to tell apart, and few enough to stay quick."""

Value = float | None
Point = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Series:
    """The points of all charts over time."""

    step_s: int
    """A point stands for this many seconds: the worst latency and load among them, the mean rate."""
    points: list[Point]
    statuses: tuple[str, ...]
    """The status classes of the columns ``c0``, ``c1`` and so on."""
    sinks: tuple[str, ...]
    """The sinks of the columns ``k0``, ``k1`` and so on. Column names are ours, whatever a sink is called."""

    @property
    def span_s(self) -> float:
        """The length of the time axis."""
        return (self.points[-1]["t"] or 0.0) + self.step_s if self.points else 0.0

    def has(self, column: str) -> bool:
        """Whether the column holds any number."""
        return any(point[column] is not None for point in self.points)


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


def series_of(report: LoadReport) -> Series:
    """The series of the whole run, warm-up included."""
    step_s = math.ceil(len(report.series) / MAX_POINTS) or 1
    statuses = tuple(sorted({status for moment in report.series for status in moment.statuses}))
    sinks = tuple(sorted({sink for moment in report.series for sink in moment.sink_lag_ms}))
    groups = [report.series[start : start + step_s] for start in range(0, len(report.series), step_s)]
    return Series(step_s, [_point(group, statuses, sinks) for group in groups], statuses, sinks)


def _point(group: Sequence[Moment], statuses: tuple[str, ...], sinks: tuple[str, ...]) -> Point:
    point: Point = {"t": group[0].t_s}
    point |= {name: _finite(max(map(read, group))) for name, read in _WORST.items()}
    point |= {name: _mean(map(read, group)) for name, read in _MEAN.items()}
    for name in _LATENCIES:
        # Without a reply there is no latency; zero would be the best latency of all.
        point[name] = point[name] or None
    for number, status in enumerate(statuses):
        point[f"c{number}"] = _mean(moment.statuses.get(status, 0) for moment in group)
    for number, sink in enumerate(sinks):
        lags = [moment.sink_lag_ms[sink] for moment in group if sink in moment.sink_lag_ms]
        point[f"k{number}"] = _finite(max(lags)) if lags else None
        point[f"late{number}"] = 1 if any(map(math.isinf, lags)) else None
    return point


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return round(sum(numbers) / len(numbers), 2)


def _finite(value: float) -> Value:
    return round(value, 3) if math.isfinite(value) else None
