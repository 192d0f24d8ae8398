"""Distributions and accounts as they stand in a report. A load process makes none, and need not load what they are."""

import math

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.accounting.tally import Tally
from createflow.schemas.load_report import Ledger, Percentiles


def summary_of(histogram: Histogram, *, worse: int = 0) -> Percentiles:
    """A distribution; ``worse`` as for ``Histogram.percentiles_ms``."""
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


def ledger_of(tally: Tally) -> Ledger:
    """Where the arrivals of an account ended."""
    return Ledger(
        scheduled=tally.scheduled,
        completed=tally.completed,
        transport_errors=tally.transport_errors,
        timeouts=tally.timeouts,
        unfinished=tally.unfinished,
        not_sent=tally.not_sent,
        dropped=tally.dropped,
    )
