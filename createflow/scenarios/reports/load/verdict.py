"""The verdict of a load run, with the reasons for it."""

from enum import StrEnum

from createflow.scenarios.reports.format.text import format_count, one_line
from createflow.scenarios.reports.load.content import Severity
from createflow.schemas.load_finding import READ_BACK, CacheSample, Change, SinkVerdict
from createflow.schemas.load_report import RATE_RATIO, LoadReport, SloVerdict, Validity


class LoadVerdict(StrEnum):
    """The result of a load run. When several apply, the first one counts: evidence goes before doubt."""

    INTERRUPTED = "interrupted"
    FAILED = "failed"
    """A write is missing, altered, duplicated, unexpected, late, or not readable by its writer, however fast it was."""
    SILENT = "silent"
    """The target gave no reply any more, which ended the run."""
    INCONCLUSIVE = "inconclusive"
    """The numbers are invalid, or a sink could not be searched."""
    MISSED = "missed"
    """A target was missed."""
    WORSE = "worse"
    """The targets were met, and the run is worse than its baseline."""
    UNCOMPARED = "uncompared"
    """A comparison was requested and is not possible. Never a pass."""
    UNVERIFIED = "unverified"
    """The targets were met, and nothing could be verified: whether the accepted writes exist is not known."""
    MEASURED = "measured"
    """The targets were met, and the user asked not to verify."""
    HELD = "held"


DECLINED = "--no-verify"
"""What a report says in ``unverified`` when the user asked not to verify."""
_BAD = {LoadVerdict.FAILED, LoadVerdict.SILENT, LoadVerdict.MISSED, LoadVerdict.WORSE}


def verdict_of(report: LoadReport) -> LoadVerdict:
    """The first of the verdicts that apply."""
    applying = {
        LoadVerdict.INTERRUPTED: report.interrupted,
        LoadVerdict.FAILED: bool(list_broken_promises(report)),
        LoadVerdict.SILENT: bool(report.silent),
        LoadVerdict.INCONCLUSIVE: bool(list_inconclusive_reasons(report)),
        LoadVerdict.MISSED: any(not slo.held for slo in report.slos),
        LoadVerdict.WORSE: bool(list_regressions(report)),
        LoadVerdict.UNCOMPARED: report.comparison is not None and bool(report.comparison.refused),
        LoadVerdict.UNVERIFIED: report.verification is None and report.unverified != DECLINED,
        LoadVerdict.MEASURED: report.verification is None,
        LoadVerdict.HELD: True,
    }
    return next(verdict for verdict in LoadVerdict if applying[verdict])


def severity_of(report: LoadReport) -> Severity:
    """The severity of the verdict. With suspect numbers even met targets are not good."""
    verdict = verdict_of(report)
    if verdict in _BAD:
        return Severity.BAD
    is_good = verdict in {LoadVerdict.HELD, LoadVerdict.MEASURED} and report.validity is not Validity.SUSPECT
    return Severity.GOOD if is_good else Severity.UNSURE


def summarize(report: LoadReport) -> str:
    """The verdict with its reasons, in one line."""
    suspect = ""
    if report.validity is Validity.SUSPECT:
        suspect = f" (SUSPECT: {'; '.join(map(one_line, report.reasons))})"
    return _verdict_text(report) + suspect


def list_broken_promises(report: LoadReport) -> list[str]:
    """What the target did to writes that no create endpoint may do, one line each."""
    verification = report.verification
    if verification is None:
        return []
    lines = [
        f"{one_line(sink.sink)}: {describe_violations(sink)}"
        for sink in verification.sinks
        if describe_violations(sink)
    ]
    lines += [
        f"{one_line(lag.sink)}: {format_count(lag.late)} of {format_count(lag.samples, 'sampled create')} "
        "arrived after the deadline"
        for lag in verification.lags
        if lag.late
    ]
    cache = verification.cache
    if cache is not None and cache.wrong:
        lines.append(describe_cache_sample(cache))
    if verification.own_writes_missed:
        missed = format_count(verification.own_writes_missed)
        reads = format_count(verification.own_writes_read, "read")
        lines.append(f"{missed} of {reads} by the writer did not show the write")
    return lines


def describe_cache_sample(cache: CacheSample) -> str:
    """What a look at some of the cached values showed, with its size: the others were not looked at."""
    if cache.error:
        return f"cache sample: could not be read: {one_line(cache.error)}"
    looked_up, held = format_count(cache.sampled, "resource"), format_count(cache.held)
    result = f"{format_count(cache.wrong)} of them differ from the row" if cache.held else "so nothing was compared"
    return f"cache sample: of {looked_up} looked up {held} were cached, {result}"


def describe_violations(sink: SinkVerdict) -> str:
    """What is wrong in one sink. Empty when nothing is, or when the sink could not be searched."""
    if sink.error:
        return ""
    kinds = {
        "missing": sink.missing,
        "altered": sink.altered,
        "duplicated": sink.duplicated,
        "unexpected": sink.phantom,
        "partly stored": sink.split,
    }
    return ", ".join(f"{format_count(number)} {kind}" for kind, number in kinds.items() if number)


def list_inconclusive_reasons(report: LoadReport) -> list[str]:
    """Why there is no verdict on the target."""
    reasons = []
    if report.validity is Validity.INVALID:
        reasons += [one_line(reason) for reason in report.reasons] or ["the numbers are invalid"]
    sinks = report.verification.sinks if report.verification else ()
    return reasons + [describe_search_error(sink) for sink in sinks if sink.error]


def describe_search_error(sink: SinkVerdict) -> str:
    """Why a sink could not be searched."""
    if sink.sink == READ_BACK:
        return f"NOT VERIFIED: {one_line(sink.error)}"
    return f"{one_line(sink.sink)} could not be searched: {one_line(sink.error)}"


def list_regressions(report: LoadReport) -> list[str]:
    """The names of the numbers that are worse than in the baseline."""
    numbers = report.comparison.numbers if report.comparison else ()
    return [one_line(number.name) for number in numbers if number.change is Change.WORSE]


def _verdict_text(report: LoadReport) -> str:
    total = format_count(len(report.slos), "target")
    missed = sum(not slo.held for slo in report.slos)
    met = _met(report)
    refused = report.comparison.refused if report.comparison else ()
    return {
        LoadVerdict.INTERRUPTED: "INTERRUPTED: the results are incomplete",
        LoadVerdict.FAILED: f"FAILED: {'; '.join(list_broken_promises(report))}",
        LoadVerdict.SILENT: f"SILENT: {one_line(report.silent)}",
        LoadVerdict.INCONCLUSIVE: f"INCONCLUSIVE: {'; '.join(list_inconclusive_reasons(report))}",
        LoadVerdict.MISSED: f"MISSED: {format_count(missed)} of {total}",
        LoadVerdict.WORSE: f"WORSE than the baseline: {', '.join(list_regressions(report))}",
        LoadVerdict.UNCOMPARED: f"NOT COMPARED with the baseline: {'; '.join(map(one_line, refused))}",
        LoadVerdict.UNVERIFIED: f"NOT VERIFIED: {_unverified(report)}; {met}",
        LoadVerdict.MEASURED: f"MEASURED, NOT VERIFIED ({DECLINED}): {met}",
        LoadVerdict.HELD: f"HELD: {met}",
    }[verdict_of(report)]


def _met(report: LoadReport) -> str:
    """That all targets were met, and by what a run without objectives was judged."""
    if not report.slos:
        return "no targets were set"
    texts = [describe_target(slo) for slo in report.slos]
    if is_judged_by_nobody(report):
        return f"{report.slo_source} ({', '.join(texts)})"
    adjusted = [text for slo, text in zip(report.slos, texts, strict=True) if slo.adjusted_bound is not None]
    met = "the target was met" if len(report.slos) == 1 else f"all {format_count(len(report.slos), 'target')} were met"
    return met + (f", one as {'; '.join(adjusted)}" if adjusted else "")


def is_judged_by_nobody(report: LoadReport) -> bool:
    """Nobody set an objective."""
    return report.slo_source.startswith("no objective")


def describe_target(slo: SloVerdict) -> str:
    """The target as it was applied, and as it was set where that is another."""
    if slo.adjusted_bound is None:
        return one_line(slo.target)
    offered_per_s = slo.adjusted_bound / RATE_RATIO
    return f"{one_line(slo.applied)} (only {offered_per_s:.4g}/s were offered: {one_line(slo.target)} was not tested)"


def _unverified(report: LoadReport) -> str:
    return one_line(report.unverified) or "the report does not say that a write was verified"
