"""What there is to see while a run goes on: the last seconds one by one, latencies and counts so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from createflow.scenarios.load.accounting.ledger import total
from createflow.scenarios.load.fleet.run import Look
from createflow.scenarios.load.plan.plan import LoadPlan
from createflow.schemas.load_report import Moment, Validity

Phase = Literal["warm-up", "measuring", "draining", "verifying"]

HISTORY = 120
"""Seconds that are kept to look back at."""
LATE_MS = 10.0
"""A generator that wakes up later than this is told about."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a run."""

    phase: Phase
    elapsed_s: float
    total_s: float
    """Warm-up and measured window."""
    history: tuple[Moment, ...]
    """The last seconds, the newest last; never empty. Rates are those of one second."""
    p50_ms: float = 0.0
    """From the intended send time, over the measured window or the warm-up so far; so are the next."""
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    """Replies so far, warm-up included, by status code."""
    failed: int = 0
    """Transport errors and timeouts so far."""
    not_sent: int = 0
    """Given up or dropped so far."""
    validity: Validity = Validity.VALID
    reasons: tuple[str, ...] = ()
    """Why the numbers cannot be fully believed, as far as that shows already."""

    @property
    def now(self) -> Moment:
        """The last second."""
        return self.history[-1]

    @property
    def refused(self) -> int:
        """Replies other than 2xx so far."""
        return sum(count for status, count in self.statuses.items() if not status.startswith("2"))


def progress_of(look: Look, plan: LoadPlan, lags: Mapping[int, Mapping[str, float]]) -> Progress | None:
    """What to show now; ``None`` before the first second is over.

    Args:
        look: the state of the run.
        plan: what was planned.
        lags: see ``Series.moments``.
    """
    history = look.series.moments(lags, last=HISTORY)
    if not history:
        return None
    books, end_s = look.series.books, plan.schedule.duration_s
    measured, warmup = total(books.measured.values()), total(books.warmup.values())
    both = total((measured, warmup))
    p50_ms, p95_ms, p99_ms = (measured if measured.completed else warmup).latencies().percentiles_ms(0.5, 0.95, 0.99)
    phase: Phase = "warm-up" if look.at_s < plan.warmup_s else "measuring" if look.at_s < end_s else "draining"
    missing = (f"{look.missing} load workers do not answer",) if look.missing else ()
    (pacing_p99_ms,) = books.pacing.percentiles_ms(0.99)
    late = (f"the generator wakes up {pacing_p99_ms:.0f} ms late (p99)",) if pacing_p99_ms > LATE_MS else ()
    return Progress(
        phase=phase,
        elapsed_s=min(max(look.at_s, 0.0), end_s),
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


def verifying(last: Progress, reasons: tuple[str, ...]) -> Progress:
    """The same after the load, while its writes are looked for; ``reasons`` says how far that is."""
    return replace(last, phase="verifying", elapsed_s=last.total_s, reasons=reasons)
