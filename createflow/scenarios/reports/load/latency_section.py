"""Latencies: of the whole load, and of each operation."""

import math

from createflow.scenarios.reports.load.figure import count, ms, per_s, percent
from createflow.scenarios.reports.load.headline import latency_gap
from createflow.scenarios.reports.load.section import Mood, Row, Section
from createflow.schemas.load_report import LoadReport, OperationReport, Percentiles

_MEANING = "Response counts from when a request was due, service from when it was sent."
_INFINITE = "inf: so many failed, were refused or never left that the percentile lies among them."


def latencies(report: LoadReport) -> Section:
    """One line a kind of latency."""
    kinds = {
        "response": report.response,
        "failure-aware": report.failure_aware,
        "service": report.service,
        "lag": report.lag,
        "connect": report.connect,
        "pacing": report.pacing,
    }
    shown = {name: found for name, found in kinds.items() if found is not None and found.count}
    infinite = any(math.isinf(value) for found in shown.values() for value in _values(found))
    told = (_MEANING, latency_gap(report), _INFINITE if infinite else "")
    return Section(
        "latency, ms",
        tuple(Row((name, *map(ms, _values(found)))) for name, found in shown.items()),
        columns=("", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"),
        told=tuple(line for line in told if line),
    )


def operations(report: LoadReport) -> Section:
    """One line an operation; nothing when there is only one."""
    several = report.operations if len(report.operations) > 1 else ()
    return Section(
        "operations",
        tuple(map(_operation, several)),
        columns=("", "share", "accepted/s", "p50 ms", "p95 ms", "p99 ms", "service p99", "not accepted"),
        told=("p50 to p99 with what failed as slower than anything.",),
    )


def _operation(found: OperationReport) -> Row:
    bad = found.ledger.scheduled - sum(number for status, number in found.statuses.items() if status.startswith("2"))
    aware = found.failure_aware
    return Row(
        (
            found.operation.value,
            percent(found.share),
            per_s(found.accepted_per_s),
            ms(aware.p50_ms),
            ms(aware.p95_ms),
            ms(aware.p99_ms),
            ms(found.service.p99_ms),
            count(bad),
        ),
        Mood.BAD if bad else Mood.PLAIN,
    )


def _values(found: Percentiles) -> tuple[float, ...]:
    return (found.mean_ms, found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms, found.p999_ms, found.max_ms)
