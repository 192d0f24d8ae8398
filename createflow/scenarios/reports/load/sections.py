"""The sections of a load report, in their order, and those about targets and latency."""

import math

from createflow.scenarios.reports.format.text import format_count, format_ms, format_percent, format_rate, one_line
from createflow.scenarios.reports.load.capacity_sections import highest_rate, scale
from createflow.scenarios.reports.load.content import Row, Section, Severity, format_seen
from createflow.scenarios.reports.load.generator_sections import generator, machine, workers
from createflow.scenarios.reports.load.tail_sections import slowest, stalls, tail
from createflow.scenarios.reports.load.verdict import describe_target, is_judged_by_nobody
from createflow.scenarios.reports.load.write_sections import arrivals, sinks, sinks_lag
from createflow.schemas.load_finding import Change, Compared
from createflow.schemas.load_report import LoadReport, OperationReport, Percentiles, SloVerdict, Validity

_CHANGES = {Change.SAME: Severity.PLAIN, Change.BETTER: Severity.GOOD, Change.WORSE: Severity.BAD}


def list_sections(report: LoadReport) -> tuple[Section, ...]:
    """The sections that have rows."""
    sections = (
        _targets(report),
        scale(report),
        highest_rate(report),
        arrivals(report),
        _latencies(report),
        tail(report),
        stalls(report),
        slowest(report),
        sinks(report),
        _operations(report),
        sinks_lag(report),
        _comparison(report),
        generator(report),
        workers(report),
        machine(report),
        Section("notes", tuple(Row(("note", one_line(note))) for note in report.notes)),
    )
    return tuple(section for section in sections if section.rows)


def _targets(report: LoadReport) -> Section:
    is_judged = not report.interrupted and report.validity is not Validity.INVALID
    notes = [f"{one_line(slo.target)}: {one_line(slo.note)}." for slo in report.slos if slo.note]
    if report.slos and report.slo_source:
        nobody = is_judged_by_nobody(report)
        notes.append(f"{report.slo_source.capitalize()}." if nobody else f"Set by: {report.slo_source}.")
    if not is_judged:
        notes.append("In brackets: not a verdict, because the run was interrupted or its numbers are invalid.")
    return Section(
        "targets",
        tuple(_target(slo, is_judged=is_judged) for slo in report.slos),
        columns=("", "target", "seen", "worst window"),
        text_columns=2,
        notes=tuple(notes),
    )


def _target(slo: SloVerdict, *, is_judged: bool) -> Row:
    window = slo.worst_window_s
    window_text = f"{window[0]:g} to {window[1]:g} s" if window else ""
    result, severity = ("held", Severity.GOOD) if slo.held else ("MISSED", Severity.BAD)
    if not is_judged:
        result, severity = f"({result.lower()})", Severity.UNSURE
    return Row((result, describe_target(slo), format_seen(slo), window_text), severity)


def _latencies(report: LoadReport) -> Section:
    kinds = {
        "response": report.response,
        "failure-aware": report.failure_aware,
        **_by_answer(report),
        "service": report.service,
        "lag": report.lag,
        "connect": report.connect,
        "pacing": report.pacing,
    }
    shown = {name: _values(latency) for name, latency in kinds.items() if latency is not None and latency.count}
    is_any_infinite = any(math.isinf(value) for values in shown.values() for value in values)
    notes = (
        "Response latency starts when a request was due, service latency when it was sent.",
        _explain_lag(report),
        "inf: the percentile lies among failed, refused or unsent requests." if is_any_infinite else "",
    )
    return Section(
        "latency, ms",
        tuple(Row((name, *map(format_ms, values))) for name, values in shown.items()),
        columns=("", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"),
        notes=tuple(filter(None, notes)),
    )


def _by_answer(report: LoadReport) -> dict[str, Percentiles]:
    """Apart, once some were refused: fast refusals would make the response latency of all look good."""
    if not report.refused_response.count:
        return {}
    return {"accepted": report.accepted_response, "429 and 503": report.refused_response}


def _values(latency: Percentiles) -> tuple[float, ...]:
    return (
        *(latency.mean_ms, latency.p50_ms, latency.p90_ms, latency.p95_ms),
        *(latency.p99_ms, latency.p999_ms, latency.max_ms),
    )


def _explain_lag(report: LoadReport) -> str:
    """Why response and service latency differ, when they do."""
    response_ms, service_ms = report.response.p99_ms, report.service.p99_ms
    if response_ms - service_ms < max(1.0, service_ms / 10):
        return ""
    pacing_ms = report.pacing.p99_ms if report.pacing else 0.0
    if max(report.lag.p99_ms, pacing_ms) < (response_ms - service_ms) / 2:
        return (
            f"Response p99 is {format_ms(response_ms)} ms, service p99 is {format_ms(service_ms)} ms: response latency "
            "includes the time that requests without a reply waited, service latency is of replies only."
        )
    is_generator_late = pacing_ms >= (response_ms - service_ms) / 2
    why = f"the generator woke up {format_ms(pacing_ms)} ms late (p99)" if is_generator_late else "no sender was free"
    return (
        f"Response p99 is {format_ms(response_ms)} ms, service p99 is {format_ms(service_ms)} ms: requests waited to "
        f"be sent (lag), because {why}. Targets use response latency, because a user waits that long too. "
        "Most tools show service latency only."
    )


def _operations(report: LoadReport) -> Section:
    """One row for each operation; empty when there is only one operation."""
    return Section(
        "operations",
        tuple(map(_operation, report.operations if len(report.operations) > 1 else ())),
        columns=("", "share", "accepted/s", "p50 ms", "p95 ms", "p99 ms", "service p99", "not accepted"),
        notes=("p50 to p99 count failed, refused and unsent requests as infinitely slow.",),
    )


def _operation(operation: OperationReport) -> Row:
    not_accepted = operation.ledger.scheduled - operation.accepted
    latency = operation.failure_aware
    return Row(
        (
            operation.operation.value,
            format_percent(operation.share),
            format_rate(operation.accepted_per_s),
            *map(format_ms, (latency.p50_ms, latency.p95_ms, latency.p99_ms, operation.service.p99_ms)),
            format_count(not_accepted),
        ),
        Severity.BAD if not_accepted else Severity.PLAIN,
    )


def _comparison(report: LoadReport) -> Section:
    """One row for each compared number; or the reasons why nothing was compared."""
    comparison = report.comparison
    if comparison is None:
        return Section("comparison", ())
    title = f"comparison with {one_line(comparison.baseline)}"
    if comparison.refused:
        return Section(
            title, tuple(Row(("refused", one_line(reason)), Severity.UNSURE) for reason in comparison.refused)
        )
    return Section(
        title,
        tuple(map(_compared, comparison.numbers)),
        columns=("", "", "before", "now", "difference (99 %)"),
        text_columns=2,
        notes=(
            "A difference counts when it exceeds an absolute and a relative minimum and is statistically significant.",
        ),
    )


def _compared(number: Compared) -> Row:
    show = format_ms if number.unit == "ms" else format_rate
    change = number.change.value.upper() if number.change is Change.WORSE else number.change.value
    low, high = (f"{'+' if value >= 0 else '-'}{show(abs(value))}" for value in (number.low, number.high))
    name = f"{one_line(number.name)}, {one_line(number.unit)}"
    return Row((change, name, show(number.before), show(number.now), f"{low} to {high}"), _CHANGES[number.change])
