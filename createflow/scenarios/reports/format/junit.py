"""JUnit XML as the test views of GitHub and GitLab read it."""

import math
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from createflow.scenarios.reports.format.text import printable_lines

Result = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A test case and its result."""

    group: str
    """The class name, under which the views list the case."""
    name: str
    result: Result = "passed"
    kind: str = ""
    """The type of a failure or an error."""
    message: str = ""
    details: str = ""
    time_s: float | None = None
    location: tuple[str, int] | None = None
    """File, and line counted from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A document with one test suite."""

    name: str
    started_at: str
    """RFC 3339."""
    duration_s: float
    target: str
    properties: dict[str, str]
    cases: tuple[Case, ...]
    output: str

    def render(self) -> str:
        """The document.

        Characters that do not print are shown as their escapes. The characters that XML cannot hold are among them
        (XML 1.0 section 2.2).
        """
        results = [case.result for case in self.cases]
        counts = {
            "name": self.name,
            "tests": str(len(results)),
            "failures": str(results.count("failure")),
            "errors": str(results.count("error")),
            "skipped": str(results.count("skipped")),
            "time": _seconds(self.duration_s),
        }
        root = ET.Element("testsuites", counts)
        started_at = self.started_at.partition(".")[0].rstrip("Z")
        suite = ET.SubElement(root, "testsuite", counts, timestamp=started_at, hostname=self.target)
        properties = ET.SubElement(suite, "properties")
        for name, value in self.properties.items():
            ET.SubElement(properties, "property", name=name, value=value)
        suite.extend(map(_element, self.cases))
        ET.SubElement(suite, "system-out").text = self.output
        for element in root.iter():
            element.attrib = {name: printable_lines(value) for name, value in element.attrib.items()}
            element.text = printable_lines(element.text) if element.text else element.text
        ET.indent(root)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _seconds(number: float) -> str:
    """A decimal of XML Schema, which knows no infinity."""
    return f"{number if math.isfinite(number) else 0:.3f}"


def _element(case: Case) -> ET.Element:
    element = ET.Element("testcase", classname=case.group, name=case.name)
    if case.time_s is not None:
        element.set("time", _seconds(case.time_s))
    if case.location is not None:
        file, line = case.location
        element.attrib |= {"file": file, "line": str(line)}
    if case.result != "passed":
        kind = {} if case.result == "skipped" else {"type": case.kind}
        ET.SubElement(element, case.result, {"message": case.message, **kind}).text = case.details or None
    return element
