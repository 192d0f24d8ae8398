"""What a load run comes to, in one word and in one line."""

from enum import StrEnum

from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load.figure import count
from createflow.scenarios.reports.load.section import Mood
from createflow.schemas.load_finding import Change, SinkVerdict
from createflow.schemas.load_report import LoadReport, Validity


class LoadVerdict(StrEnum):
    """One word for a run. When several apply, the first of this order: proof goes before doubt."""

    INTERRUPTED = "interrupted"
    FAILED = "failed"
    """The target broke a promise: writes lost, made twice or made up, whatever the latency."""
    INCONCLUSIVE = "inconclusive"
    """The numbers cannot be believed, or a sink could not be asked."""
    MISSED = "missed"
    """Measured, and too slow or too unreliable."""
    WORSE = "worse"
    """Held, and worse than the baseline."""
    UNCOMPARED = "uncompared"
    """A comparison was asked for and is not possible: never a pass."""
    HELD = "held"


_MOODS = {LoadVerdict.HELD: Mood.GOOD, LoadVerdict.FAILED: Mood.BAD, LoadVerdict.MISSED: Mood.BAD}
_MOODS |= {LoadVerdict.WORSE: Mood.BAD}


def verdict(report: LoadReport) -> LoadVerdict:
    """The first of the verdicts that apply."""
    comparison = report.comparison
    applying = {
        LoadVerdict.INTERRUPTED: report.interrupted,
        LoadVerdict.FAILED: bool(broken_promises(report)),
        LoadVerdict.INCONCLUSIVE: bool(doubts(report)),
        LoadVerdict.MISSED: any(not slo.held for slo in report.slos),
        LoadVerdict.WORSE: bool(worsened(report)),
        LoadVerdict.UNCOMPARED: comparison is not None and bool(comparison.refused),
        LoadVerdict.HELD: True,
    }
    return next(word for word in LoadVerdict if applying[word])


def mood(report: LoadReport) -> Mood:
    """How the verdict is meant; what holds with suspect numbers is no plain good."""
    found = _MOODS.get(verdict(report), Mood.UNSURE)
    return Mood.UNSURE if found is Mood.GOOD and report.validity is Validity.SUSPECT else found


def sentence(report: LoadReport) -> str:
    """The verdict in one line, with what is behind it."""
    suspect = ""
    if report.validity is Validity.SUSPECT:
        suspect = f" (SUSPECT: {'; '.join(map(one_line, report.reasons))})"
    return _words(report) + suspect


def broken_promises(report: LoadReport) -> list[str]:
    """What the target did that no create may do, one line each; slowness is none of it."""
    found = report.verification
    if found is None:
        return []
    lines = [f"{one_line(sink.sink)}: {wrongs(sink)}" for sink in found.sinks if wrongs(sink)]
    lines += [
        f"{one_line(lag.sink)}: {count(lag.late)} of {count(lag.samples, 'sampled create')} later than promised"
        for lag in found.lags
        if lag.late
    ]
    if found.cache is not None and found.cache.wrong:
        lines.append(f"cache: {count(found.cache.wrong)} of {count(found.cache.held, 'value')} unlike the row")
    if found.own_writes_missed:
        lines.append(
            f"{count(found.own_writes_missed)} of {count(found.own_writes_read, 'read')} without their own write"
        )
    return lines


def wrongs(sink: SinkVerdict) -> str:
    """What is wrong in one sink: nothing when all is there once, or when it could not be asked."""
    if sink.error:
        return ""
    kinds = {"missing": sink.missing, "duplicated": sink.duplicated, "phantom": sink.phantom, "split": sink.split}
    return ", ".join(f"{count(number)} {kind}" for kind, number in kinds.items() if number)


def doubts(report: LoadReport) -> list[str]:
    """Why there is no verdict about the target."""
    lines = []
    if report.validity is Validity.INVALID:
        lines += [one_line(reason) for reason in report.reasons] or ["the numbers are invalid"]
    if report.verification is not None:
        lines += [
            f"{one_line(sink.sink)} could not be asked: {one_line(sink.error)}"
            for sink in report.verification.sinks
            if sink.error
        ]
    return lines


def worsened(report: LoadReport) -> list[str]:
    """The names of the numbers that are worse than the baseline's."""
    numbers = report.comparison.numbers if report.comparison else ()
    return [one_line(number.name) for number in numbers if number.change is Change.WORSE]


def _words(report: LoadReport) -> str:
    missed = sum(not slo.held for slo in report.slos)
    all_of_them = "the target" if len(report.slos) == 1 else f"all {len(report.slos)} targets"
    held = f"HELD: {all_of_them}" if report.slos else "MEASURED: no targets were set"
    return {
        LoadVerdict.INTERRUPTED: "INTERRUPTED: the part that was measured",
        LoadVerdict.FAILED: f"FAILED: a promise is broken: {'; '.join(broken_promises(report))}",
        LoadVerdict.INCONCLUSIVE: f"INCONCLUSIVE: {'; '.join(doubts(report))}",
        LoadVerdict.MISSED: f"MISSED: {count(missed, 'target')} of {len(report.slos)}",
        LoadVerdict.WORSE: f"WORSE than the baseline: {', '.join(worsened(report))}",
        LoadVerdict.UNCOMPARED: f"NOT COMPARED with the baseline: {_refused(report)}",
        LoadVerdict.HELD: held,
    }[verdict(report)]


def _refused(report: LoadReport) -> str:
    return "; ".join(map(one_line, report.comparison.refused)) if report.comparison else ""
