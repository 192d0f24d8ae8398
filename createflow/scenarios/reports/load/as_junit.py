"""JUnit XML as GitHub's and GitLab's test views read it: a case for each target, sink, comparison and the generator."""

from typing import NamedTuple
from xml.etree import ElementTree as ET

from createflow.scenarios.reports.format.xml_text import counted_cases, legal
from createflow.scenarios.reports.load.figure import count, ms
from createflow.scenarios.reports.load.slo_words import seen
from createflow.scenarios.reports.load.verdict import sentence, wrongs
from createflow.schemas.load_finding import Change, SinkLag, SinkVerdict
from createflow.schemas.load_report import LoadReport, SloVerdict, Validity


class _Case(NamedTuple):
    group: str
    name: str
    tag: str = ""
    """``failure``, ``error``, ``skipped``, or nothing for what passed."""
    message: str = ""
    details: tuple[str, ...] = ()


def render(report: LoadReport) -> str:
    """The whole document.

    ``failure``: the target missed or broke something. ``error``: the tester could not do its work: invalid numbers,
    a sink that could not be asked. ``skipped``: no verdict, with the reason: targets of an invalid or interrupted run,
    suspect numbers, a comparison that was refused.
    """
    cases = [_element(case) for case in _cases(report)]
    time_s = f"{report.warmup_s + report.duration_s:.3f}"
    counts = {"name": "createflow bench", **counted_cases(cases), "time": time_s}
    started_at = report.started_at.partition(".")[0].rstrip("Z")
    suite = ET.Element("testsuite", counts, timestamp=started_at, hostname=report.target)
    properties = ET.SubElement(suite, "properties")
    for name in ("run_id", "target", "profile", "createflow_version", "seed", "shape", "config_hash"):
        ET.SubElement(properties, "property", name=name, value=str(getattr(report, name)))
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = sentence(report)
    suites = ET.Element("testsuites", counts)
    suites.append(suite)
    for element in suites.iter():
        element.attrib = {name: legal(value) for name, value in element.attrib.items()}
        element.text = legal(element.text) if element.text else element.text
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _cases(report: LoadReport) -> list[_Case]:
    cases = [_validity(report), *(_target(report, slo) for slo in report.slos)]
    if found := report.verification:
        cases += [*map(_sink, found.sinks), *map(_lag, found.lags)]
        if found.own_writes_read:
            told = f"{count(found.own_writes_missed)} of {count(found.own_writes_read, 'read')} without their own write"
            missed = ("failure", told) if found.own_writes_missed else ()
            cases.append(_Case("writes", "a reader finds its own write", *missed))
    if report.comparison:
        cases += _compared(report)
    return cases


def _validity(report: LoadReport) -> _Case:
    tags = {Validity.VALID: "", Validity.SUSPECT: "skipped", Validity.INVALID: "error"}
    message = f"{report.validity.value}: {'; '.join(report.reasons)}"
    return _Case("generator", "the numbers can be believed", tags[report.validity], message)


def _target(report: LoadReport, slo: SloVerdict) -> _Case:
    told = f"seen {seen(slo)}"
    if report.interrupted:
        return _Case("targets", slo.target, "skipped", f"the run was interrupted; {told}")
    if report.validity is Validity.INVALID:
        return _Case("targets", slo.target, "skipped", f"no verdict, the numbers are invalid; {told}")
    at = f", worst from {slo.at_s:g} s on" if slo.at_s is not None else ""
    return _Case("targets", slo.target, "" if slo.held else "failure", told + at)


def _sink(sink: SinkVerdict) -> _Case:
    name = f"every accepted write is in {sink.sink} exactly once"
    if sink.error:
        return _Case("writes", name, "error", f"could not be asked: {sink.error}")
    return _Case("writes", name, "failure" if wrongs(sink) else "", wrongs(sink), sink.examples)


def _lag(lag: SinkLag) -> _Case:
    told = f"{count(lag.late)} of {count(lag.samples, 'sample')} later than {ms(lag.deadline_ms)} ms"
    return _Case("writes", f"writes reach {lag.sink} in time", "failure" if lag.late else "", told)


def _compared(report: LoadReport) -> list[_Case]:
    found = report.comparison
    if found is None or found.refused:
        reasons = "; ".join(found.refused) if found else ""
        return [_Case("comparison", "the baseline fits", "skipped", f"not compared: {reasons}")]
    return [
        _Case(
            "comparison",
            f"{number.name} is no worse than the baseline's",
            "failure" if number.change is Change.WORSE else "",
            f"{ms(number.before)} before, {ms(number.now)} now, {number.unit}",
        )
        for number in found.numbers
    ]


def _element(case: _Case) -> ET.Element:
    element = ET.Element("testcase", classname=f"bench.{case.group}", name=case.name)
    if case.tag:
        kind = {} if case.tag == "skipped" else {"type": case.group}
        child = ET.SubElement(element, case.tag, {"message": case.message, **kind})
        child.text = "\n".join(case.details) or None
    return element
