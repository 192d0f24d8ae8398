"""JUnit XML: a test case for the generator, for each target, each sink and each compared number."""

from createflow.scenarios.reports.format.junit import Case, Result, Suite
from createflow.scenarios.reports.format.text import format_count, format_ms
from createflow.scenarios.reports.load.content import format_seen
from createflow.scenarios.reports.load.verdict import (
    LoadVerdict,
    describe_cache_sample,
    describe_target,
    describe_violations,
    summarize,
    verdict_of,
)
from createflow.schemas.load_finding import READ_BACK, Change, Comparison, SinkLag, SinkVerdict, Verification
from createflow.schemas.load_report import LoadReport, SloVerdict, Validity


def render(report: LoadReport) -> str:
    """The whole document.

    ``failure``: the target missed or broke something. ``error``: createflow could not do its work: invalid numbers, or
    a sink that could not be searched. ``skipped``: no verdict, with the reason: targets of an invalid or interrupted
    run, suspect numbers, a refused comparison.
    """
    cases = [_validity(report), *(_target(report, slo) for slo in report.slos)]
    if report.silent:
        cases.append(_case("targets", "the target answers", "error", report.silent))
    if verdict_of(report) is LoadVerdict.UNVERIFIED:
        cases.append(_case("writes", "the accepted writes exist", "error", f"not verified: {report.unverified}"))
    if report.verification:
        cases += _writes(report.verification)
    if report.comparison:
        cases += _comparison(report.comparison)
    names = ("run_id", "target", "profile", "createflow_version", "seed", "shape", "config_hash", "slo_source")
    return Suite(
        name="createflow bench",
        started_at=report.started_at,
        duration_s=report.warmup_s + report.duration_s,
        target=report.target,
        properties={name: str(getattr(report, name)) for name in names},
        cases=tuple(cases),
        output=summarize(report),
    ).render()


def _case(group: str, name: str, result: Result, message: str = "", details: str = "") -> Case:
    return Case(group=f"bench.{group}", kind=group, name=name, result=result, message=message, details=details)


def _validity(report: LoadReport) -> Case:
    results: dict[Validity, Result] = {
        Validity.VALID: "passed",
        Validity.SUSPECT: "skipped",
        Validity.INVALID: "error",
    }
    message = f"{report.validity.value}: {'; '.join(report.reasons)}"
    return _case("generator", "the numbers are valid", results[report.validity], message)


def _target(report: LoadReport, slo: SloVerdict) -> Case:
    seen = f"seen {format_seen(slo)}"
    if report.interrupted:
        return _case("targets", describe_target(slo), "skipped", f"the run was interrupted; {seen}")
    if report.validity is Validity.INVALID:
        return _case("targets", describe_target(slo), "skipped", f"no verdict, the numbers are invalid; {seen}")
    worst = f", worst from {slo.at_s:g} s on" if slo.at_s is not None else ""
    return _case("targets", describe_target(slo), "passed" if slo.held else "failure", seen + worst)


def _writes(verification: Verification) -> list[Case]:
    cases = [*map(_sink, verification.sinks), *map(_lag, verification.lags)]
    cache = verification.cache
    if cache is not None:
        result: Result = "error" if cache.error else "failure" if cache.wrong else "passed" if cache.held else "skipped"
        name, details = "cached values of a sample equal their rows", "\n".join(cache.examples)
        cases.append(_case("writes", name, result, describe_cache_sample(cache), details))
    if verification.own_writes_read:
        missed = verification.own_writes_missed
        reads = format_count(verification.own_writes_read, "read")
        message = f"{format_count(missed)} of {reads} did not show the write"
        cases.append(_case("writes", "a writer reads its own write", "failure" if missed else "passed", message))
    return cases


def _sink(sink: SinkVerdict) -> Case:
    name = f"every accepted write is in {sink.sink} exactly once"
    if sink.sink == READ_BACK:
        name = "every accepted write is read back as it was sent"
    if sink.error:
        return _case("writes", name, "error", f"could not be searched: {sink.error}")
    violations = describe_violations(sink)
    return _case("writes", name, "failure" if violations else "passed", violations, "\n".join(sink.examples))


def _lag(lag: SinkLag) -> Case:
    samples = format_count(lag.samples, "sample")
    message = f"{format_count(lag.late)} of {samples} later than {format_ms(lag.deadline_ms)} ms"
    return _case("writes", f"writes reach {lag.sink} in time", "failure" if lag.late else "passed", message)


def _comparison(comparison: Comparison) -> list[Case]:
    if comparison.refused:
        reasons = "; ".join(comparison.refused)
        return [_case("comparison", "the baseline is comparable", "skipped", f"not compared: {reasons}")]
    return [
        _case(
            "comparison",
            f"{number.name} is no worse than the baseline's",
            "failure" if number.change is Change.WORSE else "passed",
            f"{format_ms(number.before)} before, {format_ms(number.now)} now, {number.unit}",
        )
        for number in comparison.numbers
    ]
