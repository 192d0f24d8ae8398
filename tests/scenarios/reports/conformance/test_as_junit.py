"""JUnit XML: one case for each check, with the result that test views count."""

from xml.etree import ElementTree as ET

from createflow.scenarios.reports.conformance import as_junit
from tests.scenarios.reports.hostile import HOSTILE

ROOT = ET.fromstring(as_junit.render(HOSTILE))  # noqa: S314 - our own rendering
CASES = {case.attrib["name"]: case for case in ROOT.iter("testcase")}


def kinds(check_id: str) -> list[str]:
    """The tags inside a case."""
    return [child.tag for child in CASES[check_id]]


def test_each_check_is_one_case_of_its_tier_and_step() -> None:
    """With the place in the profile that it is about."""
    assert list(CASES) == [result.id for result in HOSTILE.results]
    case = CASES["auth_check.tolerated"]
    assert case.attrib["classname"] == "api.auth_check"
    assert (case.attrib["file"], case.attrib["line"]) == ("deploy/create flow.toml", "30")


def test_only_what_counts_is_a_failure_and_only_what_is_broken_an_error() -> None:
    """The rest is skipped, and its message says why."""
    assert kinds("auth_check.counts") == kinds("auth_check.expired") == kinds("auth_check.stale") == ["failure"]
    assert kinds("response.broken") == ["error"]
    assert kinds("replicate.passed") == []
    skipped = ["auth_check.advice", "auth_check.tolerated", "index_update.skipped", "response.unsure"]
    assert [kinds(check_id) for check_id in skipped] == [["skipped"]] * 4
    starts = [
        "failed, but not required (should)",
        "known failure, tolerated until 2024-06-30",
        "\\x00",
        "inconclusive: ",
    ]
    for check_id, start in zip(skipped, starts, strict=True):
        assert CASES[check_id][0].attrib["message"].startswith(start)


def test_the_counts_are_those_of_the_cases() -> None:
    """Both at the suite and above it."""
    for element in (ROOT, ROOT[0]):
        assert {name: element.attrib[name] for name in ("tests", "failures", "errors", "skipped")} == {
            "tests": "9",
            "failures": "3",
            "errors": "1",
            "skipped": "4",
        }


def test_a_failure_says_what_was_promised_expected_and_seen_and_how_to_see_it() -> None:
    """In its text; the message is the short of it."""
    failure = CASES["auth_check.counts"][0]
    assert failure.attrib["message"].startswith("expected good \\x00")
    for label in ("promised: A promise.", "expected: good", "seen: bad", "replay: 0a1b2c3d", "curl: curl -i"):
        assert label in (failure.text or "")


def test_what_could_not_be_removed_is_in_the_output() -> None:
    """By address."""
    assert "https://h/2" in (ROOT.findtext("testsuite/system-out") or "")
