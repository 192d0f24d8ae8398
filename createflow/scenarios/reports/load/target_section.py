"""The targets, each held or missed, and how this run stands beside an earlier one."""

from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load.figure import ms, per_s
from createflow.scenarios.reports.load.section import Mood, Row, Section
from createflow.scenarios.reports.load.slo_words import seen, worst_window_s
from createflow.schemas.load_finding import Change, Compared
from createflow.schemas.load_report import LoadReport, SloVerdict, Validity

_CHANGES = {Change.SAME: Mood.PLAIN, Change.BETTER: Mood.GOOD, Change.WORSE: Mood.BAD}


def targets(report: LoadReport) -> Section:
    """One line a target."""
    judged = not report.interrupted and report.validity is not Validity.INVALID
    rows = tuple(_target(slo, judged=judged) for slo in report.slos)
    told = () if judged else ("In brackets: no verdict, because the run or its numbers are not whole.",)
    return Section("targets", rows, columns=("", "target", "seen", "worst window"), left=2, told=told)


def comparison(report: LoadReport) -> Section:
    """One line a number; or why there are none."""
    found = report.comparison
    if found is None:
        return Section("comparison", ())
    title = f"beside {one_line(found.baseline)}"
    if found.refused:
        rows = tuple(Row(("refused", one_line(reason)), Mood.UNSURE) for reason in found.refused)
        return Section(title, rows)
    return Section(
        title,
        tuple(map(_compared, found.numbers)),
        columns=("", "", "before", "now", "difference, 95 % sure"),
        left=2,
        told=("Worse or better only beyond an absolute and a relative floor, and not by chance.",),
    )


def _target(slo: SloVerdict, *, judged: bool) -> Row:
    window = worst_window_s(slo)
    at = f"{window[0]:g} to {window[1]:g} s" if window else ""
    word, mood = ("held", Mood.GOOD) if slo.held else ("MISSED", Mood.BAD)
    if not judged:
        word, mood = f"({word.lower()})", Mood.UNSURE
    return Row((word, one_line(slo.target), seen(slo), at), mood)


def _compared(number: Compared) -> Row:
    shown = ms if number.unit == "ms" else per_s
    word = number.change.value.upper() if number.change is Change.WORSE else number.change.value
    low, high = (f"{'+' if value >= 0 else '-'}{shown(abs(value))}" for value in (number.low, number.high))
    return Row(
        (
            word,
            f"{one_line(number.name)}, {one_line(number.unit)}",
            shown(number.before),
            shown(number.now),
            f"{low} to {high}",
        ),
        _CHANGES[number.change],
    )
