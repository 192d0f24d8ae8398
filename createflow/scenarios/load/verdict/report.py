"""Builds the load report from the results of a load and the findings about it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from createflow import __version__
from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.accounting.ledger import (
    Counters,
    CountersByOperation,
    count_in_window,
    sum_counters,
)
from createflow.scenarios.load.fleet.run import LoadResult
from createflow.scenarios.load.plan.messages import NodeState
from createflow.scenarios.load.plan.write_log import Outcome
from createflow.schemas.load_finding import Comparison, Verification
from createflow.schemas.load_report import (
    Ledger,
    LoadReport,
    Machine,
    OperationReport,
    Percentiles,
    SloVerdict,
    Validity,
    WorkerHealth,
)
from createflow.schemas.load_tail import Tail
from createflow.schemas.operation import Operation


@dataclass(frozen=True, slots=True)
class Findings:
    """What the evaluation of a load found."""

    slos: tuple[SloVerdict, ...]
    slo_source: str
    validity: Validity
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    machine: Machine
    lags: Mapping[int, Mapping[str, float]]
    """By second, the lag of the sampled create to each sink, in milliseconds."""
    verification: Verification | None = None
    unverified: str = ""
    verified_in_window: int | None = None
    """Creates that were accepted in the measured window and found in every declared sink. None: not verified."""
    comparison: Comparison | None = None
    ceiling_per_s: float | None = None
    tail: Tail | None = None
    """Where the time of the slowest replies went. None: too few replies came."""


def build_report(result: LoadResult, findings: Findings, *, principals: int, profile_source: str) -> LoadReport:
    """Build the report.

    Args:
        result: of the load.
        findings: of its evaluation.
        principals: number of principals that sent requests.
        profile_source: where the profile came from, as text.
    """
    plan, ledger = result.plan, result.ledger
    window_s = result.window_s
    counters = sum_counters(ledger.measured.values())
    in_window = count_in_window(ledger.measured.values())

    def per_s(count: int) -> float:
        return count / window_s if window_s else 0.0

    return LoadReport(
        createflow_version=__version__,
        run_id=plan.run_id,
        started_at=result.started_at,
        target=plan.url,
        profile=profile_source,
        interrupted=result.stopped_s is not None and result.silence is None,
        silent="" if result.silence is None else describe_silence(result),
        seed=plan.seed,
        shape=plan.shape,
        rate_per_s=plan.rate_per_s,
        poisson=plan.options.poisson,
        drop=plan.options.drop,
        duration_s=window_s,
        warmup_s=plan.warmup_s,
        workers=plan.options.workers,
        senders=plan.senders.most,
        principals=principals,
        config_hash=plan.config_hash,
        offered_per_s=per_s(in_window.offered),
        sent_per_s=per_s(in_window.sent),
        accepted_per_s=per_s(in_window.accepted),
        verified_per_s=None if findings.verified_in_window is None else per_s(findings.verified_in_window),
        ledger=make_report_ledger(counters),
        warmup_ledger=make_report_ledger(sum_counters(ledger.warmup.values())),
        statuses={str(status): count for status, count in sorted(counters.statuses.items())},
        nameless=counters.nameless.count,
        errors=dict(sorted(counters.errors.items())),
        resent=sum(state.resent for state in result.states),
        renamed=sum(state.renamed for state in result.states),
        response=summarize(counters.latencies()),
        failure_aware=_failure_aware(counters),
        accepted_response=summarize(counters.accepted_latencies()),
        refused_response=summarize(counters.refused_latencies()),
        service=summarize(counters.service),
        lag=summarize(counters.lag),
        connect=summarize(ledger.connect),
        pacing=summarize(ledger.pacing),
        operations=_operations(ledger.measured, plan.mix.shares(), window_s),
        tail=findings.tail,
        series=result.series.moments(findings.lags),
        histograms={
            "response": counters.latencies().encode(),
            "service": counters.service.encode(),
            "lag": counters.lag.encode(),
            "connect": ledger.connect.encode(),
        },
        generator_cpu_ratio=max((_cpu_ratio(state) for state in result.states), default=0.0),
        worker_health=collect_worker_health(result),
        machine=findings.machine,
        ceiling_per_s=findings.ceiling_per_s,
        validity=findings.validity,
        reasons=findings.reasons,
        slos=findings.slos,
        slo_source=findings.slo_source,
        verification=findings.verification,
        unverified=findings.unverified,
        comparison=findings.comparison,
        notes=findings.notes,
    )


def describe_silence(result: LoadResult) -> str:
    """Since when the target was silent, and after which request."""
    silence = result.silence
    if silence is None:
        return ""
    requests = f"{silence.sent:,} requests got none"
    if not silence.since_s:
        return f"the target gave no reply at all, to any request of the load: {requests}"
    name = result.writes.name_of(silence.after_k)
    of_create = ""
    if silence.after_k < len(result.writes.outcomes) and result.writes.outcomes[silence.after_k] != Outcome.OTHER:
        of_create = f", the create named {name!r}"
    return (
        f"the target gave no reply any more from second {silence.since_s:.1f} of the run on, after the reply to "
        f"arrival {silence.after_k}{of_create}: {requests}"
    )


def _failure_aware(counters: Counters) -> Percentiles:
    """Latencies with every arrival that was not accepted counted as infinitely slow."""
    return summarize(counters.accepted_latencies(), worse=counters.scheduled - counters.accepted)


def _cpu_ratio(state: NodeState) -> float:
    """CPU used by a worker, as a share of one core over the run."""
    return state.cpu_s / max(state.now_s, 0.1)


def _operations(
    by_operation: CountersByOperation, shares: Mapping[Operation, float], window_s: float
) -> tuple[OperationReport, ...]:
    return tuple(
        OperationReport(
            operation=operation,
            share=share,
            accepted_per_s=by_operation[operation].in_window.accepted / window_s if window_s else 0.0,
            ledger=make_report_ledger(by_operation[operation]),
            statuses={str(status): count for status, count in sorted(by_operation[operation].statuses.items())},
            nameless=by_operation[operation].nameless.count,
            errors=dict(sorted(by_operation[operation].errors.items())),
            response=summarize(by_operation[operation].latencies()),
            failure_aware=_failure_aware(by_operation[operation]),
            service=summarize(by_operation[operation].service),
        )
        for operation, share in shares.items()
    )


def collect_worker_health(result: LoadResult) -> tuple[WorkerHealth, ...]:
    """The health of each load worker, including those that were lost."""
    lost = dict(result.lost)
    states = {state.index: state for state in result.states}
    plan = result.plan
    return tuple(
        WorkerHealth(
            index=index,
            host=state.host,
            cpu_ratio=_cpu_ratio(state),
            memory_mb=state.memory_mb,
            loop_delay_p99_ms=state.loop_delay_p99_ms,
            gc_pause_max_ms=state.gc_pause_max_ms,
            connections_opened=state.connections_opened,
            peak_in_flight=state.peak_in_flight,
            senders=plan.senders.most // plan.options.workers,
            lost=lost.get(index, ""),
        )
        for index, state in (
            (index, states.get(index, NodeState(index, "tick"))) for index in range(plan.options.workers)
        )
    )


def summarize(histogram: Histogram, *, worse: int = 0) -> Percentiles:
    """The percentiles of a distribution; ``worse`` as for ``Histogram.percentiles_ms``."""
    p50, p90, p95, p99, p999, most = histogram.percentiles_ms(0.5, 0.9, 0.95, 0.99, 0.999, 1.0, worse=worse)
    return Percentiles(
        count=histogram.count + worse,
        mean_ms=math.inf if worse else histogram.mean_ms,
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        p999_ms=p999,
        max_ms=most,
    )


def make_report_ledger(counters: Counters) -> Ledger:
    """The outcomes of the counted arrivals, as a report holds them."""
    return Ledger(
        scheduled=counters.scheduled,
        completed=counters.completed,
        transport_errors=counters.transport_errors,
        timeouts=counters.timeouts,
        unfinished=counters.unfinished,
        not_sent=counters.not_sent,
        dropped=counters.dropped,
    )
