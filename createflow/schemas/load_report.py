"""The report of a load run: finished data, saved as JSON and rendered from it."""

from dataclasses import replace
from enum import StrEnum
from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from createflow.schemas.load_finding import Comparison, Knee, Scale, Verification
from createflow.schemas.load_tail import Tail
from createflow.schemas.operation import Operation
from createflow.schemas.report import Model, Several
from createflow.schemas.slo import Metric, Operator, SloError, SloTarget, parse_target

RATE_RATIO = 0.99
"""Of the offered rate: an accepted rate cannot be higher, and the last replies may come after the end."""


class Validity(StrEnum):
    """How far the numbers describe the target."""

    VALID = "valid"
    SUSPECT = "suspect"
    """Something may have distorted the numbers. They are shown, and do not fail the run by themselves."""
    INVALID = "invalid"
    """The generator limited the numbers, or part of them is missing: there is no verdict."""


class Numbers(Model):
    """A record with numbers that may be infinite, which is ``"Infinity"`` in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Percentiles(Numbers):
    """A latency distribution in milliseconds, from an HDR histogram with three significant digits."""

    count: int = 0
    mean_ms: float = 0.0
    p50_ms: float = 0.0
    p90_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0
    max_ms: float = 0.0


class Ledger(Model):
    """The outcomes of all arrivals of the schedule: ``scheduled`` is the sum of the counts below it."""

    scheduled: int = 0
    completed: int = 0
    """A whole reply arrived."""
    transport_errors: int = 0
    timeouts: int = 0
    unfinished: int = 0
    """Sent, but without a reply when the drain ended: the outcome is unknown."""
    not_sent: int = 0
    """Waited too long for a free sender, or the run ended first."""
    dropped: int = 0
    """Found no free sender when it was due, with ``--drop``."""


class SloVerdict(Numbers):
    """Whether one target was met, with the target as data, so that nothing has to parse its expression.

    Reports that were saved before the data fields existed get them from ``target`` when they are read. An expression
    that is not valid leaves them empty.
    """

    target: str
    """The canonical expression, for example ``p99<=100ms`` or ``create.errors<0.1% every 10s``."""
    seen: float
    """The observed value, in ``unit``; of the worst window if there is a window length.

    Infinite when so many arrivals failed that the percentile is among them.
    """
    held: bool
    at_s: float | None = None
    """Start of the worst window, in seconds from the start of the run. None: evaluated over the whole run."""
    note: str = ""
    """Why the target could not be evaluated, why its bound was lowered, or which refusals count among the errors."""
    metric: Metric | None = None
    percentile: float | None = None
    """Between 0 and 100; only for ``Metric.PERCENTILE``."""
    operator: Operator | None = None
    """The target is met when ``seen operator bound`` is true."""
    bound: float | None = None
    """The declared bound, in ``unit``."""
    unit: str = ""
    """``ms``, ``s``, ``/s``, ``%``; empty for ``errors<=0``."""
    operation: Operation | None = None
    """None: all operations together."""
    window_s: int | None = None
    """Length of the windows that the target was evaluated in. None: evaluated over the whole run."""
    adjusted_bound: float | None = None
    """The bound applied instead of ``bound``: 99 % of the offered rate, when that is lower. None: ``bound``."""

    @classmethod
    def of(
        cls,
        target: SloTarget,
        *,
        seen: float,
        held: bool,
        at_s: float | None = None,
        note: str = "",
        adjusted_bound: float | None = None,
    ) -> Self:
        """The verdict on a target."""
        return cls(
            target=str(target),
            seen=seen,
            held=held,
            at_s=at_s,
            note=note,
            adjusted_bound=adjusted_bound,
            **_data_of(target),
        )

    @model_validator(mode="before")
    @classmethod
    def _add_data(cls, values: Any) -> Any:
        """Fill in the data fields of a report that was saved without them."""
        if not isinstance(values, dict) or "metric" in values or not isinstance(values.get("target"), str):
            return values
        try:
            return values | _data_of(parse_target(values["target"]))
        except SloError:
            return values

    @property
    def applied(self) -> str:
        """The expression that was applied: with the adjusted bound, where there is one."""
        if self.adjusted_bound is None:
            return self.target
        try:
            target = parse_target(self.target)
        except SloError:
            return self.target
        return str(replace(target, bound=float(f"{self.adjusted_bound:.6g}")))

    @property
    def metric_name(self) -> str:
        """``p99``, ``mean``, ``max``, ``rate``, ``verified``, ``errors``; empty when the target is not valid."""
        if self.metric is Metric.PERCENTILE:
            return f"p{self.percentile:.10g}"
        return self.metric.value if self.metric else ""

    @property
    def bound_ms(self) -> float | None:
        """The declared bound in milliseconds. None: the target is not a latency."""
        if self.bound is None or self.unit not in {"ms", "s"}:
            return None
        return self.bound * 1000 if self.unit == "s" else self.bound

    @property
    def worst_window_s(self) -> tuple[float, float] | None:
        """Start and end of the worst window, in seconds from the start of the run. None: not evaluated in windows."""
        if self.at_s is None:
            return None
        return self.at_s, self.at_s + (self.window_s or 1)


def _data_of(target: SloTarget) -> dict[str, Any]:
    return {
        "metric": target.metric,
        "percentile": target.percentile if target.metric is Metric.PERCENTILE else None,
        "operator": target.operator,
        "bound": target.bound,
        "unit": target.unit,
        "operation": target.operation,
        "window_s": target.window_s,
    }


class OperationReport(Model):
    """The requests of one operation in the measured window."""

    operation: Operation
    share: float
    """Planned share of all arrivals, 0..1."""
    accepted_per_s: float
    ledger: Ledger
    statuses: dict[str, int] = Field(default_factory=dict)
    nameless: int = 0
    """2xx replies to creates with neither a Location nor an id. They are in ``statuses``, and not accepted."""
    errors: dict[str, int] = Field(default_factory=dict)
    response: Percentiles
    """From the intended send time, of every request that was sent."""
    failure_aware: Percentiles
    """The same with failed, refused and unsent requests counted as infinitely slow."""
    service: Percentiles

    @property
    def accepted(self) -> int:
        """Arrivals that were accepted."""
        return _accepted(self.statuses) - self.nameless


class Moment(Numbers):
    """One second of the run, warm-up included: the data of the charts."""

    t_s: float
    """Start of the second, from the start of the run."""
    offered: int = 0
    sent: int = 0
    statuses: dict[str, int] = Field(default_factory=dict)
    """Replies that arrived, by status class: ``2xx``, ``429``, ``4xx``, ``503``, ``5xx`` and so on."""
    failed: int = 0
    """Transport errors and timeouts."""
    dropped: int = 0
    """Arrivals that were dropped or given up."""
    p50_ms: float = 0.0
    """Response latency, from the intended send time, of the replies that arrived in this second; so are the others."""
    p90_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    accepted_p99_ms: float = 0.0
    """Of the 2xx replies only."""
    refused_p99_ms: float = 0.0
    """Of the replies 429 and 503 only."""
    service_p99_ms: float = 0.0
    in_flight: int = 0
    backlog: int = 0
    pacing_p99_ms: float = 0.0
    """How late the generator woke up for each arrival (p99)."""
    cpu_ratio: float = 0.0
    """CPU of the busiest worker; 1.0 is one core."""
    sink_lag_ms: dict[str, float] = Field(default_factory=dict)
    """Lag of the sampled create of this second, by sink; infinite if its deadline passed."""


class WorkerHealth(Model):
    """The health of one load process."""

    index: int
    host: str = ""
    cpu_ratio: float = 0.0
    """CPU use over the run; 1.0 is one core."""
    memory_mb: float = 0.0
    """Peak memory."""
    loop_delay_p99_ms: float = 0.0
    """How late its event loop ran a timer of 10 ms."""
    gc_pause_max_ms: float = 0.0
    connections_opened: int = 0
    """During the run; connections opened before it are not counted."""
    peak_in_flight: int = 0
    senders: int = 0
    lost: str = ""
    """Why its results are incomplete; empty if they are complete."""


class Machine(Model):
    """The machine of the load. Runs are compared only if their machines are alike."""

    cpu: str = ""
    cores: int = 0
    memory_mb: int = 0
    system: str = ""
    """Kernel and release."""
    python: str = ""
    packages: dict[str, str] = Field(default_factory=dict)
    """Versions of the packages that affect the numbers: createflow, locust, gevent."""
    same_host: bool = False
    """The target runs on this machine and shares its cores."""
    steal_ratio: float = 0.0
    """Share of the CPU time of the run that the hypervisor gave to other machines."""


class LoadReport(Numbers):
    """One load run."""

    schema_version: int = 2
    createflow_version: str
    run_id: str
    started_at: str
    target: str
    profile: str
    interrupted: bool = False
    silent: str = ""
    """That the target gave no reply any more, since when and after which request, which ended the run."""
    seed: int = 0
    """Of random arrivals and of the order of operations."""

    shape: str
    """The requested load, for example ``500/s for 20 s``."""
    rate_per_s: float
    """Mean planned rate of the measured window; 0 for a closed model."""
    poisson: bool = False
    drop: bool = False
    """Arrivals that find no free sender are dropped, instead of waiting."""
    duration_s: float
    """Length of the measured window, without the warm-up."""
    warmup_s: float
    workers: int = 1
    """Load processes."""
    senders: int
    """Most requests in flight."""
    principals: int
    config_hash: str = ""
    """Hash of the requested load. Runs are compared only if it is equal."""

    offered_per_s: float = 0.0
    """Arrivals due in the measured window, per second of it. None of the next three is more than the one before."""
    sent_per_s: float = 0.0
    """Requests sent inside the measured window, per second of it; what the warm-up left over is not counted."""
    accepted_per_s: float
    """2xx replies that came inside the measured window, per second of it; likewise."""
    verified_per_s: float | None = None
    """Of these, creates found in every declared sink. None: not verified, or only a sample of them."""
    ledger: Ledger
    """Outcomes of the arrivals due in the measured window."""
    warmup_ledger: Ledger | None = None
    """Outcomes of the arrivals due in the warm-up. Other numbers exclude them, but their writes are on the target."""
    statuses: dict[str, int]
    """Replies by status code."""
    nameless: int = 0
    """2xx replies to creates with neither a Location nor an id: nothing says that they created something. They are in
    ``statuses``, and not accepted."""
    errors: dict[str, int] = Field(default_factory=dict)
    """Transport errors by kind."""
    resent: int = 0
    """Requests of the run that went out once more on a new connection: a reused one ended before any byte of the
    reply."""
    renamed: int = 0
    """Creates among them that got another name, since the target may have seen the first. Those are not searched for;
    the first ones count as without a reply."""
    response: Percentiles
    """From the intended send time to the last byte of the reply: the latency that targets are evaluated on."""
    failure_aware: Percentiles = Percentiles()
    """Response latency with failed, refused and unsent requests counted as infinitely slow."""
    accepted_response: Percentiles = Percentiles()
    """Response latency of the 2xx replies only: what those had to wait who were served."""
    refused_response: Percentiles = Percentiles()
    """Response latency of the replies 429 and 503 only: how soon those knew who were not served."""
    service: Percentiles
    """From the true send time to the last byte of the reply: what most tools call latency."""
    lag: Percentiles
    """From the intended to the true send time: the delay of the generator and the wait for a free sender."""
    connect: Percentiles = Percentiles()
    """Time to open a connection, TLS included, for connections opened during the run."""
    pacing: Percentiles | None = None
    """How late the generator woke up for each arrival."""
    operations: Several[OperationReport] = ()
    tail: Tail | None = None
    """Where the time of the slowest 1 % went. None: too few replies came, or the report is of an earlier version."""
    series: Several[Moment] = ()
    histograms: dict[str, str] = Field(default_factory=dict)
    """``response``, ``service``, ``lag``, ``connect``: whole distributions in microseconds, HdrHistogram V2, base64."""

    generator_cpu_ratio: float = 0.0
    """CPU use of the busiest load process; 1.0 is one core."""
    worker_health: Several[WorkerHealth] = ()
    machine: Machine = Machine()
    ceiling_per_s: float | None = None
    """The generator ceiling: the highest rate this machine can send with these workers, from ``--self-test``."""
    validity: Validity
    reasons: Several[str] = ()
    """Why the numbers are suspect or invalid."""
    slos: Several[SloVerdict] = ()
    slo_source: str = ""
    """Who set them: ``--slo``, the profile, the default of the bundled stack, or nobody."""
    verification: Verification | None = None
    unverified: str = ""
    """Why no write was verified; empty if writes were."""
    comparison: Comparison | None = None
    knee: Knee | None = None
    """The result of ``--find-max``. The other numbers are then those of a run at that rate."""
    scale: Scale | None = None
    """The result of ``--scale``. The other numbers are then those of the last number of instances."""
    notes: Several[str] = ()
    """What else a reader of the numbers should know."""

    @property
    def accepted(self) -> int:
        """Arrivals of the measured window that were accepted."""
        return _accepted(self.statuses) - self.nameless


def _accepted(statuses: dict[str, int]) -> int:
    return sum(count for status, count in statuses.items() if status.startswith("2"))
