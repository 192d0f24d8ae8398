"""The metrics of a run: name, unit, description and value of each, the same for every exporter."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from createflow.scenarios.load.fleet.progress import Phase, Progress
from createflow.schemas.load_report import LoadReport, Moment, Validity

Labels = dict[str, str]
Samples = Iterable[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """The latest progress of a run, and sums over its seconds.

    A snapshot is never changed, only replaced, so other threads may read it at any time.
    """

    progress: Progress | None = None
    report: LoadReport | None = None
    """The finished report; None until the run has ended."""
    until_s: float = -1.0
    """Start of the last second that the sums include."""
    offered: int = 0
    sent: int = 0

    def after(self, progress: Progress) -> "RunSnapshot":
        """The snapshot after more progress. Each second is counted once, however often it is shown."""
        fresh = [moment for moment in progress.history if moment.t_s > self.until_s]
        return replace(
            self,
            progress=progress,
            until_s=max((moment.t_s for moment in fresh), default=self.until_s),
            offered=self.offered + sum(moment.offered for moment in fresh),
            sent=self.sent + sum(moment.sent for moment in fresh),
        )

    def finished(self, report: LoadReport) -> "RunSnapshot":
        """The snapshot with the finished report."""
        return replace(self, report=report)


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """One metric."""

    name: str
    """With dots, in the style of OpenTelemetry."""
    kind: Literal["counter", "gauge", "summary"]
    unit: str
    """``s`` for seconds, ``1`` for a ratio, or what is counted in braces."""
    description: str
    read: Callable[[RunSnapshot], Samples]
    """The current samples: labels and value of each."""


def _live(read: Callable[[Progress], Samples]) -> Callable[[RunSnapshot], Samples]:
    return lambda snapshot: read(snapshot.progress) if snapshot.progress else ()


def _ended(read: Callable[[LoadReport], Samples]) -> Callable[[RunSnapshot], Samples]:
    return lambda snapshot: read(snapshot.report) if snapshot.report else ()


def _quantiles(**ms: float) -> Samples:
    """Quantiles given in milliseconds, ``p50=9``, as samples in seconds."""
    return [({"quantile": f"{int(name[1:]) / 100:g}"}, value / 1000) for name, value in ms.items()]


def _lags(now: Moment) -> Samples:
    # OpenTelemetry drops infinite values.
    return [({"sink": sink}, lag_ms / 1000) for sink, lag_ms in now.sink_lag_ms.items() if math.isfinite(lag_ms)]


def _one_of(label: str, names: Iterable[str], now: str) -> Samples:
    return [({label: name}, float(name == now)) for name in names]


METRICS = (
    MetricDefinition(
        "createflow.arrivals",
        "counter",
        "{arrival}",
        "Requests that were due.",
        lambda snapshot: [({}, snapshot.offered)],
    ),
    MetricDefinition(
        "createflow.requests.sent", "counter", "{request}", "Requests sent.", lambda snapshot: [({}, snapshot.sent)]
    ),
    MetricDefinition(
        "createflow.replies",
        "counter",
        "{reply}",
        "Replies by status code.",
        _live(lambda now: [({"status": status}, count) for status, count in now.statuses.items()]),
    ),
    MetricDefinition(
        "createflow.requests.failed",
        "counter",
        "{request}",
        "Requests with a transport error or a timeout.",
        _live(lambda now: [({}, now.failed)]),
    ),
    MetricDefinition(
        "createflow.arrivals.unsent",
        "counter",
        "{arrival}",
        "Requests that were given up or dropped unsent.",
        _live(lambda now: [({}, now.not_sent)]),
    ),
    MetricDefinition(
        "createflow.response",
        "summary",
        "s",
        "Latency from the intended send time, over the run so far.",
        _live(lambda now: _quantiles(p50=now.p50_ms, p95=now.p95_ms, p99=now.p99_ms)),
    ),
    MetricDefinition(
        "createflow.response.last_second",
        "gauge",
        "s",
        "Latency from the intended send time, of the replies of the last second.",
        _live(
            lambda run: _quantiles(
                p50=run.now.p50_ms, p90=run.now.p90_ms, p95=run.now.p95_ms, p99=run.now.p99_ms, p100=run.now.max_ms
            )
        ),
    ),
    MetricDefinition(
        "createflow.service.last_second",
        "gauge",
        "s",
        "Latency from the true send time, of the replies of the last second.",
        _live(lambda run: _quantiles(p99=run.now.service_p99_ms)),
    ),
    MetricDefinition(
        "createflow.requests.in_flight",
        "gauge",
        "{request}",
        "Requests without a reply yet.",
        _live(lambda run: [({}, run.now.in_flight)]),
    ),
    MetricDefinition(
        "createflow.requests.backlog",
        "gauge",
        "{request}",
        "Requests that are due and wait for a free sender.",
        _live(lambda run: [({}, run.now.backlog)]),
    ),
    MetricDefinition(
        "createflow.pacing.delay",
        "gauge",
        "s",
        "How late the generator woke up in the last second.",
        _live(lambda run: _quantiles(p99=run.now.pacing_p99_ms)),
    ),
    MetricDefinition(
        "createflow.worker.cpu",
        "gauge",
        "1",
        "CPU of the busiest load process; 1 is one core.",
        _live(lambda run: [({}, run.now.cpu_ratio)]),
    ),
    MetricDefinition(
        "createflow.sink.lag",
        "gauge",
        "s",
        "Lag of the sampled create of the last second to a sink, if it arrived in time.",
        _live(lambda run: _lags(run.now)),
    ),
    MetricDefinition(
        "createflow.sink.late",
        "gauge",
        "",
        "1 when the sampled create of the last second had not arrived at its deadline.",
        _live(lambda run: [({"sink": sink}, float(math.isinf(lag))) for sink, lag in run.now.sink_lag_ms.items()]),
    ),
    MetricDefinition(
        "createflow.elapsed", "gauge", "s", "Time since the start of the run.", _live(lambda run: [({}, run.elapsed_s)])
    ),
    MetricDefinition(
        "createflow.phase",
        "gauge",
        "",
        "1 for the current phase of the run.",
        _live(lambda run: _one_of("phase", get_args(Phase), run.phase)),
    ),
    MetricDefinition(
        "createflow.validity",
        "gauge",
        "",
        "1 for the current validity of the numbers.",
        _live(lambda run: _one_of("validity", Validity, run.validity)),
    ),
    MetricDefinition(
        "createflow.slo.held",
        "gauge",
        "",
        "Of the finished run: 1 when the target was held.",
        _ended(lambda report: [({"slo": slo.applied}, float(slo.held)) for slo in report.slos]),
    ),
    MetricDefinition(
        "createflow.accepted",
        "gauge",
        "{write}/s",
        "Of the finished run: accepted writes per second.",
        _ended(lambda report: [({}, report.accepted_per_s)]),
    ),
    MetricDefinition(
        "createflow.verified",
        "gauge",
        "{write}/s",
        "Of the finished run: writes per second that were verified in every sink.",
        _ended(lambda report: [({}, report.verified_per_s)] if report.verified_per_s is not None else []),
    ),
)
