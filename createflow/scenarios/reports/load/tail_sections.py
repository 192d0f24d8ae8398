"""Sections about the slowest replies: the parts of their time, the stalls, and the requests themselves."""

from createflow.scenarios.reports.format.text import format_count, format_ms, format_percent, one_line
from createflow.scenarios.reports.load.content import Row, Section, Severity
from createflow.schemas.load_report import LoadReport
from createflow.schemas.load_tail import SlowRequest, Stall, Tail, TailPart

_SHOWN_PARTS = 8
_SHOWN = 5
_MIN_RATIO = 0.01
_MUCH_RATIO = 0.5


def tail(report: LoadReport) -> Section:
    """One row for each part of the time that makes the slowest replies slow."""
    found = report.tail
    if found is None:
        return Section("slowest replies", ())
    shown = [part for part in found.parts if abs(part.excess_ratio) >= _MIN_RATIO][:_SHOWN_PARTS]
    rest = [part for part in found.parts if part not in shown]
    rows = list(map(_part, shown))
    if rest:
        others = TailPart(
            name=format_count(len(rest), "other"),
            is_server=False,
            mean_ms=sum(part.mean_ms for part in rest),
            slow_mean_ms=sum(part.slow_mean_ms for part in rest),
            excess_ratio=sum(part.excess_ratio for part in rest),
        )
        rows.append(_part(others))
    whole = Row(("all", format_ms(found.mean_ms), format_ms(found.slow_mean_ms), ""))
    return Section(
        f"slowest {format_percent(found.slow_ratio)}",
        (whole, *rows),
        columns=("", "mean ms", "slowest ms", "of the difference"),
        notes=_notes(found),
    )


def _part(part: TailPart) -> Row:
    is_much = part.excess_ratio >= _MUCH_RATIO
    return Row(
        (one_line(part.name), format_ms(part.mean_ms), format_ms(part.slow_mean_ms), f"{part.excess_ratio:.0%}"),
        Severity.UNSURE if is_much else Severity.PLAIN,
    )


def _notes(found: Tail) -> tuple[str, ...]:
    slowest = f"The {format_count(found.slow)} slowest replies took {format_ms(found.from_ms)} ms or more."
    notes = [f"{slowest} The mean of all is from a sample of {format_count(found.sampled)}."]
    if not found.has_server_timing:
        notes.append("The replies have no Server-Timing field, so nothing is known of the parts of the server's work.")
    if found.overlaps:
        notes.append("The metrics of Server-Timing add to more than the whole: some of them are parts of others.")
    return tuple(notes)


def stalls(report: LoadReport) -> Section:
    """One row for each of the longest stalls."""
    found = report.tail
    if found is None or not found.stalls:
        return Section("stalls", ())
    longest = sorted(found.stalls, key=lambda stall: stall.length_ms, reverse=True)[:_SHOWN]
    shown = [stall for stall in found.stalls if stall in longest]
    more = found.stall_count - len(shown)
    return Section(
        "stalls",
        tuple(map(_stall, shown)),
        columns=("at", "most in", "meanwhile", "requests", "ms"),
        text_columns=3,
        notes=(
            "Slow replies whose times overlap are of one stall."
            + (f" {format_count(more, 'shorter one')} not shown." if more > 0 else ""),
        ),
    )


def _stall(stall: Stall) -> Row:
    part = f"{one_line(stall.part)} ({stall.part_ratio:.0%})"
    meanwhile = "; ".join(map(one_line, stall.meanwhile))
    return Row((f"{stall.at_s:.2f} s", part, meanwhile, format_count(stall.requests), format_ms(stall.length_ms)))


def slowest(report: LoadReport) -> Section:
    """One row for each of the slowest requests."""
    requests = report.tail.slowest if report.tail is not None else ()
    return Section(
        "slowest requests",
        tuple(map(_request, requests[:_SHOWN])),
        columns=("at", "request", "most in", "trace id", "ms"),
        text_columns=4,
    )


def _request(request: SlowRequest) -> Row:
    what = f"{request.operation.value}, {request.status}"
    took = format_ms(request.took_ms)
    return Row((f"{request.at_s:.2f} s", what, one_line(request.part), request.trace_id, took))
