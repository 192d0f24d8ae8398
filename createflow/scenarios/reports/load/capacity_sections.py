"""Sections about the highest rate: the steps of the search, and how it grows with the instances."""

import math

from createflow.scenarios.reports.format.text import format_count, format_ms, format_percent, format_rate, one_line
from createflow.scenarios.reports.load.content import Row, Section, Severity
from createflow.schemas.load_finding import Bound, KneeStep, Scale, ScaleFit, ScalePoint
from createflow.schemas.load_report import LoadReport

_SHOWN_STEPS = 12


def highest_rate(report: LoadReport) -> Section:
    """One row for each measurement of the search; with several numbers of instances, of the last one."""
    knee = report.knee
    if knee is None or not knee.steps:
        return Section("highest rate", ())
    shown = knee.steps[-_SHOWN_STEPS:]
    left_out = len(knee.steps) - len(shown)
    return Section(
        f"highest rate: {one_line(knee.answer)}",
        tuple(map(_step, shown)),
        columns=("", "offered/s", "accepted/s", "p99 ms", "for s"),
        notes=(f"{format_count(left_out, 'earlier step')} not shown.",) if left_out else (),
    )


def _step(step: KneeStep) -> Row:
    held = "held" if step.held else "not held" if step.valid else "not measured"
    severity = Severity.GOOD if step.held else Severity.PLAIN if step.valid else Severity.UNSURE
    numbers = (format_rate(step.rate_per_s), format_rate(step.accepted_per_s), format_ms(step.p99_ms))
    return Row((f"{held}, confirmation" if step.confirmation else held, *numbers, f"{step.hold_s:g}"), severity)


def scale(report: LoadReport) -> Section:
    """One row for each number of instances."""
    found = report.scale
    if found is None:
        return Section("scale", ())
    alone = next((point.rate_per_s / point.count for point in found.points if point.rate_per_s), 0.0)
    return Section(
        f"highest rate by {one_line(found.name)}",
        tuple(_point(point, found.fit, alone) for point in found.points),
        columns=("", "rate/s", "each/s", "of the first", "by the law", "p99 ms"),
        notes=tuple(_notes(found)),
    )


def _point(point: ScalePoint, fit: ScaleFit | None, alone: float) -> Row:
    if point.bound is Bound.NONE:
        return Row((f"{point.count}: none, {one_line(point.reason)}", *[""] * 5), Severity.BAD)
    each = point.rate_per_s / point.count
    is_least = point.bound is Bound.AT_LEAST
    return Row(
        (
            f"{point.count}" + (f": at least, {one_line(point.reason)}" if is_least else ""),
            format_rate(point.rate_per_s),
            format_rate(each),
            format_percent(each / alone) if alone else "",
            format_rate(fit.rate_with(point.count)) if fit is not None else "",
            format_ms(point.p99_ms),
        ),
        Severity.UNSURE if is_least else Severity.PLAIN,
    )


def _notes(found: Scale) -> list[str]:
    fit = found.fit
    if fit is None:
        return ["A law needs the highest rates of two numbers of instances."]
    contention, deviation = format_percent(fit.contention), format_percent(fit.deviation_ratio)
    law = (
        f"Universal Scalability Law: {format_rate(fit.rate_per_s)}/s alone, contention {contention}, "
        f"coherency {fit.coherency:.2g}; no point is further than {deviation} from it."
    )
    if fit.peak_count is not None and fit.peak_rate_per_s is not None:
        peak = (
            f"By the law the rate is highest with {math.floor(fit.peak_count)}: {format_rate(fit.peak_rate_per_s)}/s."
        )
    elif fit.peak_rate_per_s is not None:
        peak = f"By the law no number of instances does more than {format_rate(fit.peak_rate_per_s)}/s."
    else:
        peak = "Within these numbers the rate grows in proportion."
    return [law, peak]
