"""What became of the writes: the ledger, and what every sink said afterwards."""

from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load.figure import count, ms, percent
from createflow.scenarios.reports.load.headline import not_accepted
from createflow.scenarios.reports.load.ledger_words import counted, equation
from createflow.scenarios.reports.load.section import Mood, Row, Section
from createflow.scenarios.reports.load.verdict import wrongs
from createflow.schemas.load_finding import SinkLag, SinkVerdict, Verification
from createflow.schemas.load_report import LoadReport


def arrivals(report: LoadReport) -> Section:
    """Every arrival in exactly one class."""
    rows = [("ledger", equation(report.ledger)), ("replies", counted(report.statuses))]
    if report.errors:
        rows.append(("errors", counted(report.errors)))
    if bad := not_accepted(report):
        rows.append(("lost", f"{count(bad)} were not accepted: {percent(bad / report.ledger.scheduled)}"))
    if report.warmup_ledger is not None and report.warmup_ledger.scheduled:
        rows.append(("warm-up", f"{equation(report.warmup_ledger)}; in no number here"))
    return Section("arrivals", tuple(map(Row, rows)))


def sinks(report: LoadReport) -> Section:
    """One line a sink, and what stands there that should not, or the other way round."""
    found = report.verification
    if found is None:
        return Section("writes, looked for afterwards", ())
    return Section(
        "writes, looked for afterwards",
        tuple(map(_sink, found.sinks)),
        columns=("", "sink", "found", "missing", "twice", "phantom", "after s"),
        left=2,
        told=(*_accounted(found), *_unasked(found), *_examples(found)),
    )


def lags(report: LoadReport) -> Section:
    """How long sampled creates took to arrive, one line a sink."""
    found = report.verification.lags if report.verification else ()
    return Section(
        "sinks' lag under load, ms",
        tuple(map(_lag, found)),
        columns=("", "samples", "p50", "p99", "max", "deadline", "late"),
    )


def _sink(sink: SinkVerdict) -> Row:
    if sink.error:
        return Row(("UNKNOWN", one_line(sink.sink), "", "", "", "", ""), Mood.UNSURE)
    word, mood = ("BROKEN", Mood.BAD) if wrongs(sink) else ("whole", Mood.GOOD)
    numbers = map(count, (sink.found, sink.missing, sink.duplicated, sink.phantom))
    return Row((word, one_line(sink.sink), *numbers, f"{sink.waited_s:.1f}"), mood)


def _accounted(found: Verification) -> list[str]:
    proved = f"{count(found.accepted)} accepted, {count(found.verified)} of them proved in every sink exactly once"
    lines = [f"{proved}; {count(found.unknown)} without a reply may be there or not."]
    if found.own_writes_read:
        missed = f"{count(found.own_writes_missed)} missed it" if found.own_writes_missed else "none missed it"
        lines.append(f"{count(found.own_writes_read, 'read')} right after a write by its writer: {missed}.")
    if found.left_behind:
        lines.append(f"{count(found.left_behind, 'resource')} of this run stay on the target.")
    return lines


def _unasked(found: Verification) -> list[str]:
    return [f"{one_line(sink.sink)} could not be asked: {one_line(sink.error)}" for sink in found.sinks if sink.error]


def _examples(found: Verification) -> list[str]:
    return [f"{one_line(sink.sink)}: {one_line(example)}" for sink in found.sinks for example in sink.examples]


def _lag(lag: SinkLag) -> Row:
    numbers = (count(lag.samples), ms(lag.p50_ms), ms(lag.p99_ms), ms(lag.max_ms), ms(lag.deadline_ms), count(lag.late))
    return Row((one_line(lag.sink), *numbers), Mood.BAD if lag.late else Mood.PLAIN)
