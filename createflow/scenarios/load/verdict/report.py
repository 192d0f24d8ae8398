"""A load report made of what was measured and what was found out about it."""

from collections.abc import Mapping
from dataclasses import dataclass

from createflow import __version__
from createflow.scenarios.load.accounting.ledger import Tallies, total
from createflow.scenarios.load.accounting.tally import Tally
from createflow.scenarios.load.fleet.run import Measured
from createflow.scenarios.load.plan.message import NodeState
from createflow.scenarios.load.verdict.percentiles import ledger_of, summary_of
from createflow.schemas.load_finding import Comparison, Verification
from createflow.schemas.load_report import (
    LoadReport,
    Machine,
    OperationReport,
    Percentiles,
    SloVerdict,
    Validity,
    WorkerHealth,
)
from createflow.schemas.operation import Operation


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about a measured load."""

    slos: tuple[SloVerdict, ...]
    validity: Validity
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    machine: Machine
    lags: Mapping[int, Mapping[str, float]]
    """By second, how long the sampled create took to each sink."""
    verification: Verification | None = None
    verified_in_window: int | None = None
    """Accepted creates of the measured window proved present everywhere; ``None`` when that was not asked."""
    comparison: Comparison | None = None
    ceiling_per_s: float | None = None


def report_of(measured: Measured, findings: Findings, *, principals: int, profile_source: str) -> LoadReport:
    """All of it, finished.

    Args:
        measured: what the load came to.
        findings: the verdicts.
        principals: how many asked.
        profile_source: where the profile came from, in words.
    """
    plan, books = measured.plan, measured.books
    window_s = measured.window_s
    tally = total(books.measured.values())

    def per_s(count: int) -> float:
        return count / window_s if window_s else 0.0

    return LoadReport(
        createflow_version=__version__,
        run_id=plan.run_id,
        started_at=measured.started_at,
        target=plan.url,
        profile=profile_source,
        interrupted=measured.stopped_s is not None,
        seed=plan.seed,
        shape=plan.shape,
        rate_per_s=plan.rate_per_s,
        poisson=plan.asked.poisson,
        drop=plan.asked.drop,
        duration_s=window_s,
        warmup_s=plan.warmup_s,
        workers=plan.asked.workers,
        senders=plan.senders,
        principals=principals,
        config_hash=plan.config_hash,
        offered_per_s=per_s(tally.scheduled),
        sent_per_s=per_s(tally.sent_in_window),
        accepted_per_s=per_s(tally.accepted_in_window),
        verified_per_s=None if findings.verified_in_window is None else per_s(findings.verified_in_window),
        ledger=ledger_of(tally),
        warmup_ledger=ledger_of(total(books.warmup.values())),
        statuses={str(status): count for status, count in sorted(tally.statuses.items())},
        errors=dict(sorted(tally.errors.items())),
        response=summary_of(tally.latencies()),
        failure_aware=failure_aware(tally),
        service=summary_of(tally.service),
        lag=summary_of(tally.lag),
        connect=summary_of(books.connect),
        pacing=summary_of(books.pacing),
        operations=_operations(books.measured, plan.mix.shares(), window_s),
        series=measured.series.moments(findings.lags),
        histograms={
            "response": tally.latencies().encode(),
            "service": tally.service.encode(),
            "lag": tally.lag.encode(),
            "connect": books.connect.encode(),
        },
        generator_cpu_ratio=max((cpu_ratio(state) for state in measured.states), default=0.0),
        worker_health=worker_health(measured),
        machine=findings.machine,
        ceiling_per_s=findings.ceiling_per_s,
        validity=findings.validity,
        reasons=findings.reasons,
        slos=findings.slos,
        verification=findings.verification,
        comparison=findings.comparison,
        notes=findings.notes,
    )


def failure_aware(tally: Tally) -> Percentiles:
    """Latencies of what was accepted, with everything else as slower than anything."""
    return summary_of(tally.accepted_latencies(), worse=tally.scheduled - tally.accepted)


def cpu_ratio(state: NodeState) -> float:
    """Of one core, over the run."""
    return state.cpu_s / max(state.now_s, 0.1)


def _operations(tallies: Tallies, shares: Mapping[Operation, float], window_s: float) -> tuple[OperationReport, ...]:
    return tuple(
        OperationReport(
            operation=operation,
            share=share,
            accepted_per_s=tallies[operation].accepted_in_window / window_s if window_s else 0.0,
            ledger=ledger_of(tallies[operation]),
            statuses={str(status): count for status, count in sorted(tallies[operation].statuses.items())},
            errors=dict(sorted(tallies[operation].errors.items())),
            response=summary_of(tallies[operation].latencies()),
            failure_aware=failure_aware(tallies[operation]),
            service=summary_of(tallies[operation].service),
        )
        for operation, share in shares.items()
    )


def worker_health(measured: Measured) -> tuple[WorkerHealth, ...]:
    """How each load process fared, those that were lost included."""
    lost = dict(measured.lost)
    said = {state.index: state for state in measured.states}
    plan = measured.plan
    return tuple(
        WorkerHealth(
            index=index,
            host=state.host,
            cpu_ratio=cpu_ratio(state),
            memory_mb=state.memory_mb,
            loop_delay_p99_ms=state.loop_delay_p99_ms,
            gc_pause_max_ms=state.gc_pause_max_ms,
            connections_opened=state.connections_opened,
            peak_in_flight=state.peak_in_flight,
            senders=plan.senders // plan.asked.workers,
            lost=lost.get(index, ""),
        )
        for index, state in ((index, said.get(index, NodeState(index, "tick"))) for index in range(plan.asked.workers))
    )
