"""Sections about the writes of a load: the ledger of arrivals, the verification of every sink, the sinks' lag."""

from collections.abc import Mapping

from createflow.scenarios.reports.format.text import format_count, format_ms, format_percent, one_line
from createflow.scenarios.reports.load.content import Row, Section, Severity
from createflow.scenarios.reports.load.verdict import describe_cache_sample, describe_search_error, describe_violations
from createflow.scenarios.text.power import power
from createflow.schemas.load_finding import SinkLag, SinkVerdict, Verification
from createflow.schemas.load_report import Ledger, LoadReport


def arrivals(report: LoadReport) -> Section:
    """Where every arrival ended."""
    rows = [("ledger", ledger_equation(report.ledger)), ("replies", _counts(report.statuses))]
    if report.errors:
        rows.append(("errors", _counts(report.errors)))
    if report.resent:
        again = f"{format_count(report.resent, 'request')} once more, as a reused connection ended without a reply"
        names = f"; {format_count(report.renamed)} under another name, as the first may be stored"
        rows.append(("sent again", again + (names if report.renamed else "")))
    if report.nameless:
        what = "2xx with neither a Location nor an id: nothing says that they created something"
        rows.append(("not creates", f"{format_count(report.nameless)} x {what}"))
    if (not_accepted := report.ledger.scheduled - report.accepted) and report.ledger.scheduled:
        share = format_percent(not_accepted / report.ledger.scheduled)
        rows.append(("not accepted", f"{format_count(not_accepted)} ({share})"))
    if report.warmup_ledger is not None and report.warmup_ledger.scheduled:
        rows.append(("warm-up", f"{ledger_equation(report.warmup_ledger)}; excluded from all results"))
    return Section("arrivals", tuple(map(Row, rows)))


def ledger_equation(ledger: Ledger) -> str:
    """``10,000 due = 9,990 answered + 10 not sent``: the classes that are not empty, as a sum that can be checked."""
    classes = {
        "answered": ledger.completed,
        "transport errors": ledger.transport_errors,
        "timed out": ledger.timeouts,
        "unfinished": ledger.unfinished,
        "not sent": ledger.not_sent,
        "dropped": ledger.dropped,
    }
    terms = " + ".join(
        f"{format_count(number)} {name}" for name, number in classes.items() if number or name == "answered"
    )
    sign = "=" if ledger.scheduled == sum(classes.values()) else "DOES NOT EQUAL"
    return f"{format_count(ledger.scheduled)} due {sign} {terms}"


def _counts(counts: Mapping[str, int]) -> str:
    """``9,988 x 201, 2 x 503``."""
    return ", ".join(f"{format_count(number)} x {one_line(name)}" for name, number in counts.items()) or "none"


def sinks(report: LoadReport) -> Section:
    """One row for each sink that was searched after the run."""
    verification = report.verification
    return Section(
        "write verification",
        tuple(map(_sink, verification.sinks)) if verification else (),
        columns=("", "sink", "found", "missing", "altered", "doubled", "extra", "waited s"),
        text_columns=2,
        notes=_verification_notes(verification) if verification else (),
    )


def _sink(sink: SinkVerdict) -> Row:
    if sink.error:
        return Row(("UNKNOWN", one_line(sink.sink), *[""] * 6), Severity.UNSURE)
    result, severity = ("FAILED", Severity.BAD) if describe_violations(sink) else ("ok", Severity.GOOD)
    numbers = map(format_count, (sink.found, sink.missing, sink.altered, sink.duplicated, sink.phantom))
    return Row((result, one_line(sink.sink), *numbers, f"{sink.waited_s:.1f}"), severity)


def _verification_notes(verification: Verification) -> tuple[str, ...]:
    accepted, verified = format_count(verification.accepted, "create"), format_count(verification.verified)
    found = f"found exactly once{_as_sent(verification)} in every sink."
    if verification.is_read_back:
        found = "read back through the API" + (" as they were sent." if _as_sent(verification) else ".")
    lines = [f"{accepted} accepted, {verified} of them {found}{_of_sample(verification)}"]
    lines += _compared(verification)
    if verification.unknown:
        lines.append(f"{format_count(verification.unknown, 'create')} without a reply: each may be stored or not.")
    if verification.own_writes_read:
        missed = verification.own_writes_missed
        result = f"{format_count(missed)} did not show the write" if missed else "all showed the write"
        lines.append(
            f"{format_count(verification.own_writes_read, 'read')} by the writer right after a write: {result}."
        )
    if verification.cache is not None:
        lines.append(f"{describe_cache_sample(verification.cache).capitalize()}.")
    if verification.left_behind:
        remaining = format_count(verification.left_behind, "resource")
        lines.append(f"{remaining} of this run remain on the target.")
    lines += [describe_search_error(sink) for sink in verification.sinks if sink.error]
    lines += [f"{one_line(sink.sink)}: not looked at: {one_line(sink.unasked)}." for sink in _unasked(verification)]
    lines += [f"{one_line(sink.sink)}: {one_line(example)}" for sink in verification.sinks for example in sink.examples]
    return tuple(lines)


def _as_sent(verification: Verification) -> str:
    return ", and as sent," if any(sink.compared for sink in verification.sinks) else ""


def _of_sample(verification: Verification) -> str:
    """How many of a sample are missing, and how rare a missing write would still have been seen."""
    looked_at = sum(sink.found + sink.missing for sink in verification.sinks)
    if not verification.is_sample or not looked_at or any(sink.missing for sink in verification.sinks):
        return ""
    _, _, rate = power(looked_at, "").partition(" differ: ")
    return f" The others were not looked at: 0 of this sample of {format_count(looked_at)} are missing: {rate}."


def _compared(verification: Verification) -> list[str]:
    """How rare an altered copy would still have been seen: one line for all sinks of which the same can be said."""
    sinks_by_power: dict[tuple[int, str], list[str]] = {}
    for sink in verification.sinks:
        _, _, rate = sink.power.partition(" differ: ")
        if rate:
            sinks_by_power.setdefault((sink.compared, one_line(rate)), []).append(one_line(sink.sink))
    return [
        f"Field by field, 0 of {format_count(count, 'write')} differ in {', '.join(names)}: {rate}."
        for (count, rate), names in sinks_by_power.items()
    ]


def _unasked(verification: Verification) -> list[SinkVerdict]:
    return [sink for sink in verification.sinks if sink.unasked and not sink.error]


def sinks_lag(report: LoadReport) -> Section:
    """How long sampled creates took to arrive, one row for each sink."""
    lags = report.verification.lags if report.verification else ()
    return Section(
        "sinks' lag under load, ms",
        tuple(map(_lag, lags)),
        columns=("", "samples", "p50", "p99", "max", "deadline", "late"),
    )


def _lag(lag: SinkLag) -> Row:
    latencies = map(format_ms, (lag.p50_ms, lag.p99_ms, lag.max_ms, lag.deadline_ms))
    cells = (one_line(lag.sink), format_count(lag.samples), *latencies, format_count(lag.late))
    return Row(cells, Severity.BAD if lag.late else Severity.PLAIN)
