"""JUnit: results, counts, and characters that XML cannot hold."""

from xml.etree import ElementTree as ET

from createflow.scenarios.reports.format.junit import Case, Suite

SUITE = Suite(
    name="suite",
    started_at="2030-01-01T00:00:00.123Z",
    duration_s=1.5,
    target="https://h/\x00",
    properties={"seed": "1"},
    cases=(
        Case(group="g", name="good", time_s=0.25, location=("a.toml", 3)),
        Case(group="g", name="bad", result="failure", kind="k", message="m\x1b", details="d\ufffe"),
        Case(group="g", name="broken", result="error", kind="k"),
        Case(group="g", name="left out", result="skipped", message="why"),
    ),
    output="the end",
)
ROOT = ET.fromstring(SUITE.render())  # noqa: S314 - our own rendering


def test_the_counts_are_those_of_the_cases() -> None:
    """At the suite and above it."""
    for element in (ROOT, ROOT[0]):
        counts = {name: element.attrib[name] for name in ("tests", "failures", "errors", "skipped", "time")}
        assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "1.500"}


def test_a_case_has_its_result_time_and_location() -> None:
    """Only a failure and an error have a type."""
    good, bad, broken, skipped = ROOT.iter("testcase")
    assert good.attrib == {"classname": "g", "name": "good", "time": "0.250", "file": "a.toml", "line": "3"}
    assert [child.tag for child in good] == []
    assert bad[0].attrib == {"message": "m\\x1b", "type": "k"}
    assert bad[0].text == "d\\ufffe"
    assert broken[0].tag == "error"
    assert skipped[0].attrib == {"message": "why"}


def test_text_that_xml_cannot_hold_is_escaped() -> None:
    """The document is well-formed whatever a target is called."""
    suite = ROOT[0]
    assert suite.attrib["hostname"] == "https://h/\\x00"
    assert suite.attrib["timestamp"] == "2030-01-01T00:00:00"
    assert suite.findtext("system-out") == "the end"
