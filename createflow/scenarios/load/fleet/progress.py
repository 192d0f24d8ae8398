"""The progress of a run, for the live view and the metrics: the last seconds, and latencies and counts so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from createflow.scenarios.load.accounting.ledger import sum_counters
from createflow.scenarios.load.fleet.run import Snapshot
from createflow.scenarios.load.plan.plan import LoadPlan
from createflow.schemas.load_report import Moment, Validity

Phase = Literal["warm-up", "measuring", "draining", "verifying"]

HISTORY = 120
"""Number of seconds that ``Progress.history`` keeps."""
LATE_MS = 10.0
"""If the generator wakes up later than this, the numbers are suspect."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a run at one time."""

    phase: Phase
    elapsed_s: float
    total_s: float
    """Warm-up and measured window together."""
    history: tuple[Moment, ...]
    """The last seconds, the newest last; never empty. Rates are those of one second."""
    p50_ms: float = 0.0
    """Response latency from the intended send time, over the measured window so far, or else over the warm-up."""
    p95_ms: float = 0.0
    """See ``p50_ms``."""
    p99_ms: float = 0.0
    """See ``p50_ms``."""
    statuses: dict[str, int] = field(default_factory=dict)
    """Replies so far by status code, warm-up included."""
    failed: int = 0
    """Transport errors and timeouts so far."""
    not_sent: int = 0
    """Arrivals given up or dropped so far."""
    validity: Validity = Validity.VALID
    reasons: tuple[str, ...] = ()
    """Why the numbers are suspect or invalid, as far as this is known already."""

    @property
    def now(self) -> Moment:
        """The last second."""
        return self.history[-1]

    @property
    def refused(self) -> int:
        """Replies so far with a status other than 2xx."""
        return sum(count for status, count in self.statuses.items() if not status.startswith("2"))


def make_progress(snapshot: Snapshot, plan: LoadPlan, lags: Mapping[int, Mapping[str, float]]) -> Progress | None:
    """The progress to show now; None before the first second is over.

    Args:
        snapshot: the state of the run.
        plan: the run.
        lags: see ``Series.moments``.
    """
    history = snapshot.series.moments(lags, last=HISTORY)
    if not history:
        return None
    ledger, end_s = snapshot.series.ledger, plan.schedule.duration_s
    measured, warmup = sum_counters(ledger.measured.values()), sum_counters(ledger.warmup.values())
    both = sum_counters((measured, warmup))
    p50_ms, p95_ms, p99_ms = (measured if measured.completed else warmup).latencies().percentiles_ms(0.5, 0.95, 0.99)
    phase: Phase = "warm-up" if snapshot.at_s < plan.warmup_s else "measuring" if snapshot.at_s < end_s else "draining"
    missing = (f"{snapshot.missing} load workers do not answer",) if snapshot.missing else ()
    (pacing_p99_ms,) = ledger.pacing.percentiles_ms(0.99)
    late = (f"the generator wakes up {pacing_p99_ms:.0f} ms late (p99)",) if pacing_p99_ms > LATE_MS else ()
    return Progress(
        phase=phase,
        elapsed_s=min(max(snapshot.at_s, 0.0), end_s),
        total_s=end_s,
        history=history,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        statuses={str(status): count for status, count in sorted(both.statuses.items())},
        failed=both.failed,
        not_sent=both.not_sent + both.dropped,
        validity=Validity.INVALID if missing else Validity.SUSPECT if late else Validity.VALID,
        reasons=missing + late,
    )


def make_verifying_progress(last: Progress, reasons: tuple[str, ...]) -> Progress:
    """The progress during write verification; ``reasons`` says which sinks are not complete yet."""
    return replace(last, phase="verifying", elapsed_s=last.total_s, reasons=reasons)
