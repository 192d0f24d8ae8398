"""A finished LoadReport, drawn within 80 columns."""

import math

from rich.console import Console
from rich.table import Table

from createflow.schemas.load_report import Ledger, LoadReport, Percentiles, SloVerdict, Validity


def print_report(console: Console, report: LoadReport) -> None:
    """Print all of it, the verdict last."""

    def say(text: str = "", style: str = "") -> None:
        console.print(text, style=style or None, soft_wrap=True, highlight=False, markup=False)

    say(f"{report.target}  ({report.profile}, run {report.run_id})")
    say(
        f"{report.rate_per_s:g}/s for {report.duration_s:.3g} s after {report.warmup_s:g} s of warm-up, "
        f"{_count(report.principals, 'user')}, {_count(report.workers, 'worker')}, at most {report.senders} in flight"
    )
    say()
    say(
        f"per second  offered {report.offered_per_s:.1f}   sent {report.sent_per_s:.1f}   "
        f"accepted {report.accepted_per_s:.1f}"
    )
    say()
    console.print(_latencies(report))
    say("response counts from when a request was due, service from when it was sent:")
    say("what response has more, requests spent waiting to be sent. Response is judged.")
    say()
    say(f"replies    {_counts(report.statuses)}")
    say(f"errors     {_counts(report.errors | _more_errors(report.ledger))}")
    say(f"ledger     {_ledger(report.ledger)}")
    say(f"generator  {_generator(report)}")
    for note in report.notes:
        say(f"note       {note}")
    say()
    for slo in report.slos:
        say(
            f"{'held  ' if slo.held else 'MISSED'}     {slo.target:<24} seen {_seen(slo)}",
            "green" if slo.held else "red",
        )
    say()
    say(*_verdict(report))


def _latencies(report: LoadReport) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("latency, ms")
    for heading in ("mean", "p50", "p90", "p95", "p99", "p99.9", "max"):
        table.add_column(heading, justify="right")
    for name, percentiles in (("response", report.response), ("service", report.service), ("lag", report.lag)):
        table.add_row(name, *(_ms(value) for value in _values(percentiles)))
    return table


def _values(percentiles: Percentiles) -> tuple[float, ...]:
    return (
        percentiles.mean_ms,
        percentiles.p50_ms,
        percentiles.p90_ms,
        percentiles.p95_ms,
        percentiles.p99_ms,
        percentiles.p999_ms,
        percentiles.max_ms,
    )


def _ms(value: float) -> str:
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in counts.items()) or "none"


def _more_errors(ledger: Ledger) -> dict[str, int]:
    return {"timeout": ledger.timeouts} if ledger.timeouts else {}


def _ledger(ledger: Ledger) -> str:
    classes = {
        "answered": ledger.completed,
        "broken": ledger.transport_errors,
        "timed out": ledger.timeouts,
        "unfinished": ledger.unfinished,
        "not sent": ledger.not_sent,
    }
    terms = " + ".join(f"{count} {name}" for name, count in classes.items() if count or name == "answered")
    return f"{ledger.scheduled} due = {terms}"


def _generator(report: LoadReport) -> str:
    late = f", woke up {report.pacing.p99_ms:.1f} ms late (p99)" if report.pacing else ""
    return f"{report.generator_cpu_ratio:.0%} of a core{late}"


def _seen(slo: SloVerdict) -> str:
    return "worse than measurable: too many failed" if math.isinf(slo.seen) else f"{slo.seen:.4g}"


def _verdict(report: LoadReport) -> tuple[str, str]:
    if report.interrupted:
        return "INTERRUPTED: the part that was measured", "yellow"
    if report.validity is Validity.INVALID:
        return f"INCONCLUSIVE: {'; '.join(report.reasons)}", "yellow"
    missed = sum(not slo.held for slo in report.slos)
    if missed:
        return f"MISSED: {_count(missed, 'target')} of {len(report.slos)}", "bold red"
    return f"HELD: all {len(report.slos)} targets", "bold green"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
