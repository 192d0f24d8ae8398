"""JUnit XML as GitHub's and GitLab's test views read it: one test case for each check."""

from xml.etree import ElementTree as ET

from createflow.scenarios.reports.conformance.place import place
from createflow.scenarios.reports.conformance.remark import known, remarks
from createflow.scenarios.reports.conformance.trouble import explained
from createflow.scenarios.reports.conformance.verdict import gates, sentence
from createflow.scenarios.reports.format.xml_text import counted_cases, legal
from createflow.schemas.report import CheckResult, KnownFailure, Outcome, RunReport, Standing


def render(report: RunReport) -> str:
    """The whole document.

    ``failure``: a failure that counts, or a baseline entry that is stale or expired. ``error``: a broken check, and
    nothing else. ``skipped``: skipped or inconclusive, a tolerated failure, advice; the message says which.
    """
    entries = {entry.id: entry for entry in report.baseline}
    cases = [_case(report, result, entries.get(result.id)) for result in report.results]
    counts = {"name": "createflow", **counted_cases(cases), "time": f"{report.duration_s:.3f}"}
    suite = ET.Element(
        "testsuite",
        counts,
        timestamp=report.started_at.partition(".")[0].rstrip("Z"),
        hostname=legal(report.target),
    )
    properties = ET.SubElement(suite, "properties")
    for name in ("run_id", "target", "profile", "createflow_version", "seed", "gate"):
        ET.SubElement(properties, "property", name=name, value=legal(str(getattr(report, name))))
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = legal("\n".join([*remarks(report), sentence(report)]))
    suites = ET.Element("testsuites", counts)
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _case(report: RunReport, result: CheckResult, entry: KnownFailure | None) -> ET.Element:
    file, line = place(report, result)
    case = ET.Element(
        "testcase",
        classname=f"{result.step.tier.value}.{result.step.value}",
        name=result.id,
        time=f"{result.duration_ms / 1000:.3f}",
        file=legal(file),
        line=str(line),
    )
    if told := _told(report, result, entry):
        tag, kind, message = told
        attributes = {"message": legal(message)} if tag == "skipped" else {"message": legal(message), "type": kind}
        child = ET.SubElement(case, tag, attributes)
        if result.outcome is not Outcome.SKIPPED:
            child.text = legal("\n".join(f"{label}: {text}" for label, text in explained(result)))
    return case


def _told(report: RunReport, result: CheckResult, entry: KnownFailure | None) -> tuple[str, str, str] | None:
    """Tag, type and message; nothing for what passed."""
    if result.outcome is Outcome.BROKEN:
        return "error", "broken", result.reason
    if entry is not None and entry.standing in {Standing.STALE, Standing.EXPIRED}:
        return "failure", f"baseline.{entry.standing.value}", known(entry)
    if result.outcome is Outcome.FAILED:
        return _failed(report, result, entry)
    if result.outcome is Outcome.INCONCLUSIVE:
        return "skipped", "", f"inconclusive: {result.reason}"
    return ("skipped", "", result.reason) if result.outcome is Outcome.SKIPPED else None


def _failed(report: RunReport, result: CheckResult, entry: KnownFailure | None) -> tuple[str, str, str]:
    finding = result.finding
    seen = f"expected {finding.expected}; seen {finding.seen}" if finding else result.title
    if entry is not None:
        return "skipped", "", f"{known(entry)}: {seen}"
    if not gates(report, result):
        return "skipped", "", f"failed, but not required ({result.level.value}): {seen}"
    return "failure", "failed", seen
