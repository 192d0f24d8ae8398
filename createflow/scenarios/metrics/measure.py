"""Every metric of a run: its name, its unit and where it is read, the same for every system that takes it."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from createflow.scenarios.load.fleet.progress import Phase, Progress
from createflow.scenarios.metrics.seen import Seen
from createflow.schemas.load_report import LoadReport, Moment, Validity

Labels = dict[str, str]
Samples = Iterable[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric."""

    name: str
    """With dots, as OpenTelemetry writes names."""
    kind: Literal["counter", "gauge", "summary"]
    unit: str
    """``s`` for seconds, ``1`` for a ratio, or what is counted in braces."""
    told: str
    read: Callable[[Seen], Samples]


def _live(read: Callable[[Progress], Samples]) -> Callable[[Seen], Samples]:
    return lambda seen: read(seen.progress) if seen.progress else ()


def _ended(read: Callable[[LoadReport], Samples]) -> Callable[[Seen], Samples]:
    return lambda seen: read(seen.report) if seen.report else ()


def _quantiles(**ms: float) -> Samples:
    """``p50=9`` as the sample of quantile 0.5 in seconds."""
    return [({"quantile": f"{int(name[1:]) / 100:g}"}, value / 1000) for name, value in ms.items()]


def _lags(now: Moment) -> Samples:
    # OpenTelemetry drops what is infinite.
    return [({"sink": sink}, lag_ms / 1000) for sink, lag_ms in now.sink_lag_ms.items() if math.isfinite(lag_ms)]


def _one_of(label: str, names: Iterable[str], now: str) -> Samples:
    return [({label: name}, float(name == now)) for name in names]


MEASURES = (
    Measure(
        "createflow.arrivals", "counter", "{arrival}", "Requests that were due.", lambda seen: [({}, seen.offered)]
    ),
    Measure("createflow.requests.sent", "counter", "{request}", "Requests sent.", lambda seen: [({}, seen.sent)]),
    Measure(
        "createflow.replies",
        "counter",
        "{reply}",
        "Replies by status code.",
        _live(lambda now: [({"status": status}, count) for status, count in now.statuses.items()]),
    ),
    Measure(
        "createflow.requests.failed",
        "counter",
        "{request}",
        "Requests that broke off or timed out.",
        _live(lambda now: [({}, now.failed)]),
    ),
    Measure(
        "createflow.arrivals.unsent",
        "counter",
        "{arrival}",
        "Requests given up or dropped before they were sent.",
        _live(lambda now: [({}, now.not_sent)]),
    ),
    Measure(
        "createflow.response",
        "summary",
        "s",
        "Latency from the intended send time, over the run so far.",
        _live(lambda now: _quantiles(p50=now.p50_ms, p95=now.p95_ms, p99=now.p99_ms)),
    ),
    Measure(
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
    Measure(
        "createflow.service.last_second",
        "gauge",
        "s",
        "Latency from the true send time, of the replies of the last second.",
        _live(lambda run: _quantiles(p99=run.now.service_p99_ms)),
    ),
    Measure(
        "createflow.requests.in_flight",
        "gauge",
        "{request}",
        "Requests without a reply yet.",
        _live(lambda run: [({}, run.now.in_flight)]),
    ),
    Measure(
        "createflow.requests.backlog",
        "gauge",
        "{request}",
        "Requests that were due and found no free sender yet.",
        _live(lambda run: [({}, run.now.backlog)]),
    ),
    Measure(
        "createflow.pacing.delay",
        "gauge",
        "s",
        "How late the generator itself woke up in the last second.",
        _live(lambda run: _quantiles(p99=run.now.pacing_p99_ms)),
    ),
    Measure(
        "createflow.worker.cpu",
        "gauge",
        "1",
        "CPU of the busiest load process; 1 is one core.",
        _live(lambda run: [({}, run.now.cpu_ratio)]),
    ),
    Measure(
        "createflow.sink.lag",
        "gauge",
        "s",
        "How long the sampled create of the last second took to arrive in time.",
        _live(lambda run: _lags(run.now)),
    ),
    Measure(
        "createflow.sink.late",
        "gauge",
        "",
        "1 when the sampled create of the last second had not arrived at its deadline.",
        _live(lambda run: [({"sink": sink}, float(math.isinf(lag))) for sink, lag in run.now.sink_lag_ms.items()]),
    ),
    Measure(
        "createflow.elapsed", "gauge", "s", "Since the start of the run.", _live(lambda run: [({}, run.elapsed_s)])
    ),
    Measure(
        "createflow.phase",
        "gauge",
        "",
        "1 for the phase that the run is in.",
        _live(lambda run: _one_of("phase", get_args(Phase), run.phase)),
    ),
    Measure(
        "createflow.validity",
        "gauge",
        "",
        "1 for how far the numbers can be believed.",
        _live(lambda run: _one_of("validity", Validity, run.validity)),
    ),
    Measure(
        "createflow.slo.held",
        "gauge",
        "",
        "Of the finished run: 1 when the target was held.",
        _ended(lambda report: [({"slo": slo.target}, float(slo.held)) for slo in report.slos]),
    ),
    Measure(
        "createflow.accepted",
        "gauge",
        "{write}/s",
        "Of the finished run: accepted writes a second.",
        _ended(lambda report: [({}, report.accepted_per_s)]),
    ),
    Measure(
        "createflow.verified",
        "gauge",
        "{write}/s",
        "Of the finished run: writes a second that were proved in every sink.",
        _ended(lambda report: [({}, report.verified_per_s)] if report.verified_per_s is not None else []),
    ),
)
