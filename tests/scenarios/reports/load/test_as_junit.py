"""The test views of GitHub and GitLab show what happened."""

from xml.etree import ElementTree as ET

import pytest

from createflow.scenarios.reports.load import as_junit
from tests.scenarios.reports.load.made_load_report import ALL


def _cases(name: str) -> dict[str, str]:
    """Each case with how it ended and why."""
    root = ET.fromstring(as_junit.render(ALL[name]))  # noqa: S314 - our own rendering
    suite = root.find("testsuite")
    assert suite is not None
    cases = {}
    for case in suite.iter("testcase"):
        child = next(iter(case), None)
        ending = "passed" if child is None else f"{child.tag}: {child.attrib['message']}"
        cases[f"{case.attrib['classname']} {case.attrib['name']}"] = ending
    for name_, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert root.attrib[name_] == suite.attrib[name_] == str(len(list(suite.iter(tag))))
    return cases


def test_a_good_run_passes_whole() -> None:
    """A case for each target, each sink, each lag, a reader and the generator."""
    cases = _cases("verified")
    assert set(cases.values()) == {"passed"}
    assert len(cases) == 3 + 5 + 2 + 1 + 1


@pytest.mark.parametrize(
    ("name", "case", "ending"),
    [
        ("stalled", "bench.targets p99<=100ms", "failure: seen inf: too many failed"),
        ("stalled", "bench.targets p95<=50ms every 2s", "failure: seen 1,740 ms, worst from 12 s on"),
        ("starved", "bench.targets p99<=100ms", "skipped: no verdict, the numbers are invalid; seen 340 ms"),
        (
            "starved",
            "bench.generator the numbers are valid",
            "error: invalid: a load worker used 97% of a core: use more --workers",
        ),
        ("suspect", "bench.generator the numbers are valid", "skipped: suspect: 6% of the CPU time was stolen"),
        ("lossy", "bench.writes every accepted write is in search exactly once", "failure: 8 missing"),
        (
            "lossy",
            "bench.writes every accepted write is in audit exactly once",
            "error: could not be searched: connection refused",
        ),
        ("lossy", "bench.writes a writer reads its own write", "failure: 2 of 40 reads did not show the write"),
        ("compared", "bench.comparison p99 is no worse than the baseline's", "failure: 40.0 before, 60.0 now, ms"),
        ("compared", "bench.comparison p50 is no worse than the baseline's", "passed"),
        (
            "refused",
            "bench.comparison the baseline is comparable",
            "skipped: not compared: another machine: 8 cores, now 2; another load: 1000/s, now 500/s",
        ),
    ],
)
def test_each_thing_ends_as_it_did(name: str, case: str, ending: str) -> None:
    """``failure``: the target; ``error``: createflow itself; ``skipped``: no verdict."""
    assert _cases(name)[case] == ending


def test_an_interrupted_run_judges_no_target() -> None:
    """Whatever half of it looked like."""
    report = ALL["stalled"].model_copy(update={"interrupted": True})
    root = ET.fromstring(as_junit.render(report))  # noqa: S314 - as above
    assert (root.attrib["failures"], root.attrib["skipped"]) == ("0", "3")
