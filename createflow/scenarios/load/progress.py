"""What there is to see while a run goes on: rates of the last moment, latencies so far."""

from dataclasses import dataclass
from typing import Literal

from createflow.scenarios.load.recorder import Recorder

Phase = Literal["warm-up", "measuring", "draining"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a run."""

    phase: Phase
    elapsed_s: float
    total_s: float
    """Warm-up and measured window."""
    offered_per_s: float
    """Due a second, since the look before; so are the next two."""
    sent_per_s: float
    accepted_per_s: float
    p50_ms: float
    """From the intended send time, over the measured window so far, or the warm-up while that lasts."""
    p99_ms: float
    in_flight: int
    backlog: int
    refused: int
    """Replies other than 2xx so far."""
    failed: int
    """Transport errors and timeouts so far."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The cumulative counts that rates are differences of."""

    at_s: float = 0.0
    offered: int = 0
    sent: int = 0
    accepted: int = 0
    completed: int = 0
    failed: int = 0

    @classmethod
    def of(cls, books: Recorder, at_s: float, in_flight: int) -> "Totals":
        """Counts of both phases together."""
        phases = (books.warmup, books.measured)
        return cls(
            at_s=at_s,
            offered=sum(tally.scheduled for tally in phases),
            sent=sum(tally.sent for tally in phases) + in_flight,
            accepted=sum(tally.accepted for tally in phases),
            completed=sum(tally.completed for tally in phases),
            failed=sum(tally.transport_errors + tally.timeouts for tally in phases),
        )


def look(
    books: Recorder, now: Totals, before: Totals, *, warmup_s: float, end_s: float, in_flight: int, backlog: int
) -> Progress:
    """What to show now, given the counts now and at the look before."""
    span_s = max(now.at_s - before.at_s, 1e-3)
    tally = books.measured if books.measured.completed else books.warmup
    p50_ms, p99_ms = tally.merged().percentiles_ms(0.5, 0.99)
    phase: Phase = "warm-up" if now.at_s < warmup_s else "measuring" if now.at_s < end_s else "draining"
    return Progress(
        phase=phase,
        elapsed_s=min(max(now.at_s, 0.0), end_s),
        total_s=end_s,
        offered_per_s=(now.offered - before.offered) / span_s,
        sent_per_s=(now.sent - before.sent) / span_s,
        accepted_per_s=(now.accepted - before.accepted) / span_s,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        in_flight=in_flight,
        backlog=backlog,
        refused=now.completed - now.accepted,
        failed=now.failed,
    )
