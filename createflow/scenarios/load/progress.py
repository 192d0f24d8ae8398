"""What there is to see while a run goes on: the last seconds one by one, latencies and counts so far."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from createflow.scenarios.load.recorder import Recorder
from createflow.schemas.load_report import Moment, Validity

Phase = Literal["warm-up", "measuring", "draining", "verifying"]

HISTORY = 120
"""Seconds that are kept to look back at."""


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


@dataclass(frozen=True, slots=True)
class Totals:
    """The cumulative counts that rates are differences of."""

    at_s: float = 0.0
    offered: int = 0
    sent: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    not_sent: int = 0

    @classmethod
    def of(cls, books: Recorder, at_s: float, in_flight: int) -> "Totals":
        """Counts of both phases together."""
        phases = (books.warmup, books.measured)
        return cls(
            at_s=at_s,
            offered=sum(tally.scheduled for tally in phases),
            sent=sum(tally.sent for tally in phases) + in_flight,
            statuses=books.warmup.statuses + books.measured.statuses,
            failed=sum(tally.transport_errors + tally.timeouts for tally in phases),
            not_sent=sum(tally.not_sent for tally in phases),
        )


def look(
    books: Recorder, now: Totals, before: Totals, *, warmup_s: float, end_s: float, in_flight: int, backlog: int
) -> Progress:
    """What to show now, given the counts now and at the look before."""
    span_s = max(now.at_s - before.at_s, 1e-3)
    tally = books.measured if books.measured.completed else books.warmup
    p50_ms, p95_ms, p99_ms = tally.merged().percentiles_ms(0.5, 0.95, 0.99)
    phase: Phase = "warm-up" if now.at_s < warmup_s else "measuring" if now.at_s < end_s else "draining"
    classes = Counter[str]()
    for status, count in (now.statuses - before.statuses).items():
        classes[f"{status[0]}xx"] += round(count / span_s)
    moment = Moment(
        t_s=max(0.0, before.at_s),
        offered=round((now.offered - before.offered) / span_s),
        sent=round((now.sent - before.sent) / span_s),
        statuses=dict(classes),
        in_flight=in_flight,
        backlog=backlog,
    )
    return Progress(
        phase=phase,
        elapsed_s=min(max(now.at_s, 0.0), end_s),
        total_s=end_s,
        history=(moment,),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        statuses=dict(now.statuses),
        failed=now.failed,
        not_sent=now.not_sent,
    )
