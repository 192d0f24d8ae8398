"""Load reports made by hand: one for each way in which a run can end."""

import math
import random

from hdrh.histogram import HdrHistogram

from createflow.scenarios.text.power import power
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.load_finding import Change, Compared, Comparison, SinkLag, SinkVerdict, Verification
from createflow.schemas.load_report import (
    Ledger,
    LoadReport,
    Machine,
    Moment,
    OperationReport,
    Percentiles,
    SloVerdict,
    Validity,
    WorkerHealth,
)
from createflow.schemas.operation import Operation

WARMUP_S = 2
DURATION_S = 20


def percentiles(factor: float, count: int = 9990) -> Percentiles:
    """A distribution of round numbers."""
    return Percentiles(
        count=count,
        mean_ms=10 * factor,
        p50_ms=9 * factor,
        p90_ms=20 * factor,
        p95_ms=30 * factor,
        p99_ms=60 * factor,
        p999_ms=90 * factor,
        max_ms=1200 * factor,
    )


def encoded(values_ms: list[float]) -> str:
    """These values as an HdrHistogram, V2, base64."""
    histogram = HdrHistogram(1, 3_600_000_000, 3)
    for value in values_ms:
        histogram.record_value(max(1, int(value * 1000)))
    return str(histogram.encode(), "ascii")


def series(seconds: int = WARMUP_S + DURATION_S, *, stall_s: int | None = None) -> tuple[Moment, ...]:
    """The seconds of a run at 500/s; a stall fills two of them."""
    rng = random.Random(7)  # noqa: S311 - nothing secret
    return tuple(
        _moment(second, rng, stalled=stall_s is not None and 0 <= second - stall_s < 2) for second in range(seconds)
    )


def _moment(second: int, rng: random.Random, *, stalled: bool) -> Moment:
    p50_ms = rng.uniform(6, 11) * (2 if second < WARMUP_S else 1)
    tail_ms = 1900.0 if stalled else p50_ms * 6
    return Moment(
        t_s=second,
        offered=500,
        sent=240 if stalled else 500,
        statuses={"2xx": 120, "503": 4} if stalled else {"2xx": 499, "429": 1},
        failed=3 if stalled else 0,
        dropped=2 if stalled else 0,
        p50_ms=700 if stalled else p50_ms,
        p90_ms=1500 if stalled else p50_ms * 2,
        p95_ms=1700 if stalled else p50_ms * 3,
        p99_ms=tail_ms,
        max_ms=tail_ms * 1.3,
        service_p99_ms=1100 if stalled else p50_ms * 5.6,
        in_flight=250 if stalled else rng.randint(3, 9),
        backlog=400 if stalled else 0,
        pacing_p99_ms=rng.uniform(0.2, 0.9),
        cpu_ratio=rng.uniform(0.1, 0.2),
        sink_lag_ms={"replica 1": rng.uniform(3, 9), "search": math.inf if stalled else rng.uniform(80, 160)},
    )


def _values(*, stall: bool) -> list[float]:
    rng = random.Random(11)  # noqa: S311 - nothing secret
    values = [rng.lognormvariate(2.2, 0.5) for _ in range(9000)]
    return values + [rng.uniform(0, 2000) for _ in range(1000 if stall else 0)]


def load_report(**changes: object) -> LoadReport:
    """A report of an ordinary run without verification."""
    report = LoadReport(
        createflow_version="0.1.0",
        run_id="0123abcd",
        started_at="2030-01-01T00:00:00Z",
        target="https://127.0.0.1:8443/api/resources",
        profile="the bundled stack",
        slo_source="default of the bundled stack",
        unverified="--no-verify",
        shape="500/s for 20 s",
        rate_per_s=500,
        duration_s=DURATION_S,
        warmup_s=WARMUP_S,
        senders=250,
        principals=100,
        offered_per_s=500,
        sent_per_s=499.9,
        accepted_per_s=499.5,
        ledger=Ledger(scheduled=10000, completed=9990, transport_errors=4, timeouts=3, unfinished=2, not_sent=1),
        warmup_ledger=Ledger(scheduled=1000, completed=1000),
        statuses={"201": 9988, "503": 2},
        errors={"connection_reset": 4},
        response=percentiles(1),
        failure_aware=percentiles(1.1, 10000),
        service=percentiles(0.95),
        lag=percentiles(0.1, 9999),
        connect=percentiles(0.2, 250),
        pacing=percentiles(0.05),
        series=series(),
        histograms={"response": encoded(_values(stall=False)), "service": encoded(_values(stall=False))},
        generator_cpu_ratio=0.12,
        worker_health=(_worker(0),),
        machine=Machine(
            cpu="Some CPU 2.0 GHz",
            cores=2,
            memory_mb=24000,
            system="Linux 6.1",
            python="3.11.7",
            packages={"createflow": "0.1.0", "gevent": "26.9.0", "locust": "2.47.0"},
            same_host=True,
            steal_ratio=0.004,
        ),
        ceiling_per_s=14300,
        validity=Validity.VALID,
        slos=(
            SloVerdict(target="p99<=100ms", seen=60.0, held=True),
            SloVerdict(target="rate>=495/s", seen=499.5, held=True),
            SloVerdict(target="errors<0.2% every 10s", seen=0.11, held=True, at_s=12.0),
        ),
        notes=("a note",),
    )
    return LoadReport.model_validate(report.model_dump() | changes)


def _worker(index: int, **changes: object) -> WorkerHealth:
    worker = WorkerHealth(
        index=index,
        cpu_ratio=0.12,
        memory_mb=58,
        loop_delay_p99_ms=1.2,
        gc_pause_max_ms=0.4,
        connections_opened=3,
        peak_in_flight=12,
        senders=250,
    )
    return WorkerHealth.model_validate(worker.model_dump() | changes)


def verification(**changes: object) -> Verification:
    """All writes arrived."""
    whole = {"found": 10988, "missing": 0, "duplicated": 0, "phantom": 0, "compared": 10988}
    found = Verification(
        accepted=10988,
        unknown=9,
        verified=10988,
        sinks=tuple(
            SinkVerdict(sink=name, waited_s=waited_s, power=power(10988, things), **whole)
            for name, things, waited_s in (
                ("primary", "rows", 0.1),
                ("replica 1", "rows", 0.2),
                ("audit", "audit entries", 0.1),
                ("events", "events", 0.6),
                ("search", "documents", 1.9),
            )
        ),
        lags=(
            SinkLag(sink="replica 1", samples=20, p50_ms=6, p99_ms=9, max_ms=9, late=0, deadline_ms=1000),
            SinkLag(sink="search", samples=20, p50_ms=120, p99_ms=160, max_ms=160, late=0, deadline_ms=2000),
        ),
        own_writes_read=40,
        left_behind=10988,
    )
    return Verification.model_validate(found.model_dump() | changes)


def verified() -> LoadReport:
    """A healthy run whose writes were all verified."""
    return load_report(verified_per_s=499.4, verification=verification(), unverified="")


def lossy() -> LoadReport:
    """Writes are altered, missing, duplicated and unexpected, and one sink could not be searched."""
    sinks = (
        SinkVerdict(
            sink="primary",
            found=10988,
            missing=0,
            duplicated=0,
            phantom=0,
            altered=2,
            compared=10988,
            examples=("arrival 7 has count = '1' instead of 1, in primary",),
            unasked="who wrote",
        ),
        SinkVerdict(
            sink="search",
            found=10980,
            missing=8,
            duplicated=0,
            phantom=0,
            waited_s=30,
            examples=("arrival 1204 (resource 7f3c) was accepted and is not there", "arrival 1205 as well"),
        ),
        SinkVerdict(sink="events", found=10988, missing=0, duplicated=3, phantom=1, examples=("arrival 9 twice",)),
        SinkVerdict(sink="audit", found=0, missing=0, duplicated=0, phantom=0, error="connection refused"),
    )
    found = verification(
        verified=10976, sinks=[sink.model_dump() for sink in sinks], own_writes_missed=2, left_behind=0
    )
    return load_report(verified_per_s=498.9, verification=found)


def stalled() -> LoadReport:
    """The target stalled for two seconds: response and service latency differ."""
    return load_report(
        series=series(stall_s=12),
        histograms={"response": encoded(_values(stall=True)), "service": encoded(_values(stall=False))},
        response=percentiles(30),
        failure_aware=Percentiles(count=10000, p50_ms=10, p90_ms=900, p95_ms=1700, p99_ms=math.inf, max_ms=math.inf),
        service=percentiles(2),
        lag=percentiles(28, 9999),
        slos=(
            SloVerdict(target="p99<=100ms", seen=math.inf, held=False),
            SloVerdict(target="p95<=50ms every 2s", seen=1740.0, held=False, at_s=12.0),
            SloVerdict(target="rate>=495/s", seen=481.2, held=False),
        ),
    )


def starved() -> LoadReport:
    """The generator could not keep up: no verdict."""
    return load_report(
        validity=Validity.INVALID,
        reasons=("a load worker used 97% of a core: use more --workers",),
        generator_cpu_ratio=0.97,
        slos=(SloVerdict(target="p99<=100ms", seen=340.0, held=False),),
    )


def suspect() -> LoadReport:
    """Held, with a doubt."""
    return load_report(validity=Validity.SUSPECT, reasons=("6% of the CPU time was stolen",))


def refused() -> LoadReport:
    """Beside a baseline of another machine."""
    why = ("another machine: 8 cores, now 2", "another load: 1000/s, now 500/s")
    return load_report(comparison=Comparison(baseline="run 99ff, 2029-12-24", refused=why))


def compared() -> LoadReport:
    """Beside a baseline, and slower."""
    numbers = (
        Compared(name="p50", unit="ms", before=9, now=9.1, low=-0.2, high=0.4, change=Change.SAME),
        Compared(name="p99", unit="ms", before=40, now=60, low=12, high=27, change=Change.WORSE),
        Compared(name="accepted", unit="/s", before=480, now=499.5, low=15, high=22, change=Change.BETTER),
    )
    return load_report(comparison=Comparison(baseline="run 99ff, 2029-12-24", numbers=numbers))


def interrupted() -> LoadReport:
    """Ended by Ctrl-C before anything was measured."""
    nothing = Percentiles()
    return load_report(
        interrupted=True,
        duration_s=0.0,
        offered_per_s=0,
        sent_per_s=0,
        accepted_per_s=0,
        ledger=Ledger(),
        statuses={},
        errors={},
        response=nothing,
        failure_aware=nothing,
        service=nothing,
        lag=nothing,
        connect=nothing,
        pacing=None,
        series=(),
        histograms={},
        slos=(),
        validity=Validity.INVALID,
        reasons=("nothing was measured",),
    )


def mixed() -> LoadReport:
    """Three operations, Poisson arrivals, dropped ones, three workers of which one was lost."""
    return load_report(
        shape="ramp 0/s to 1000/s in 1 min",
        poisson=True,
        seed=42,
        drop=True,
        workers=3,
        ledger=Ledger(scheduled=10000, completed=9900, timeouts=40, not_sent=20, dropped=40),
        operations=tuple(
            OperationReport(
                operation=operation,
                share=share,
                accepted_per_s=499.5 * share,
                ledger=Ledger(scheduled=int(10000 * share), completed=int(10000 * share)),
                statuses={status: int(10000 * share)},
                response=percentiles(share),
                failure_aware=percentiles(share),
                service=percentiles(share),
            )
            for operation, share, status in (
                (Operation.CREATE, 0.6, "201"),
                (Operation.READ, 0.3, "200"),
                (Operation.UPDATE, 0.1, "409"),
            )
        ),
        worker_health=(
            _worker(0, host="load-1"),
            _worker(1, host="load-2", lost="no word since second 12"),
            _worker(2, host="load-3"),
        ),
        validity=Validity.INVALID,
        reasons=("the results are incomplete: worker 1 was lost",),
    )


ALL = {
    make.__name__: make()
    for make in (load_report, verified, lossy, stalled, starved, suspect, refused, compared, interrupted, mixed)
}
"""Every kind, by its name."""


def report_quoting(text: str, other: str) -> LoadReport:
    """A report that quotes these texts everywhere where a target, a sink, a worker or a file is quoted."""
    sink = SinkVerdict(
        sink=text,
        found=1,
        missing=1,
        duplicated=0,
        phantom=0,
        examples=(text, other),
        compared=1,
        power=f"0 of 1 {other} differ: {text}",
        unasked=other,
    )
    unasked = SinkVerdict(sink=other, found=0, missing=0, duplicated=0, phantom=0, error=text)
    lag = SinkLag(sink=text, samples=2, p50_ms=1, p99_ms=1, max_ms=math.inf, late=1, deadline_ms=10)
    number = Compared(name=text, unit=other, before=1, now=2, low=0.5, high=1.5, change=Change.WORSE)
    moment = Moment(t_s=0, offered=5, statuses={text: 3, "2xx": 2}, p50_ms=1, max_ms=2, sink_lag_ms={text: math.inf})
    report = load_report(
        run_id=text,
        started_at=other,
        target=text,
        profile=other,
        shape=text,
        config_hash=other,
        statuses={text: 4, "201": 6},
        errors={other: 1},
        series=(moment, moment.model_copy(update={"t_s": 1.0})),
        histograms={},
        worker_health=(_worker(0, host=text), _worker(1, lost=other)),
        machine=Machine(cpu=text, cores=1, system=other, python=text, packages={text: other}),
        validity=Validity.SUSPECT,
        reasons=(text, other),
        slos=(SloVerdict(target=f"p99<=1ms {text}", seen=2.0, held=False, at_s=0.0),),
        verification=Verification(accepted=1, unknown=1, verified=0, sinks=(sink, unasked), lags=(lag,)),
        comparison=Comparison(baseline=other, numbers=(number,)),
        notes=(text, other),
    )
    return Mask().record(report)
