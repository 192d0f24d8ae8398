"""Annotations of GitHub Actions: one line each, which no reply can add to."""

import pytest

from createflow.scenarios.reports.github_actions import MAX_SUMMARY_BYTES, cut_summary, render_annotations
from createflow.schemas.report import Outcome
from tests.scenarios.reports.conformance.made_report import report, result
from tests.scenarios.reports.hostile import HOSTILE
from tests.scenarios.reports.load.made_load_report import ALL

LINES = render_annotations(HOSTILE).splitlines()


def test_what_counts_is_an_error_and_comes_first() -> None:
    """Only ten of a kind are shown, so nothing unimportant may stand before."""
    kinds = [(line.partition(" ")[0], line.split("title=")[1].split("::")[0]) for line in LINES]
    assert kinds == [
        ("::error", "failed%3A auth_check.counts"),
        ("::error", "failed%3A auth_check.expired"),
        ("::error", "passed%3A auth_check.stale"),
        ("::error", "broken%3A response.broken"),
        ("::warning", "failed%3A auth_check.advice"),
        ("::warning", "failed%3A auth_check.tolerated"),
        ("::warning", "inconclusive%3A response.unsure"),
        ("::warning", "createflow"),
    ]


def test_a_reply_cannot_write_a_command() -> None:
    """Every line is ours: newlines and percent signs of others are escaped."""
    assert all(line.startswith(("::error ", "::warning ")) for line in LINES)
    assert all(character.isprintable() for line in LINES for character in line)
    assert "'\"&%25\\r\\n::error::x" in LINES[0]


def test_it_points_at_the_profile() -> None:
    """At the line that is about the step."""
    assert LINES[0].startswith("::error file=deploy/create flow.toml,line=9,")


def test_nothing_to_say_is_nothing() -> None:
    """A green run has no annotation."""
    assert render_annotations(report(result("a", Outcome.PASSED))) == ""


def test_a_summary_that_is_too_long_is_cut_and_says_so() -> None:
    """It would be refused as a whole."""
    long = cut_summary("é" * MAX_SUMMARY_BYTES)
    assert len(long.encode()) <= MAX_SUMMARY_BYTES
    assert long.endswith("(cut: the whole report is longer than a summary may be)\n")
    assert cut_summary("short") == "short"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("load_report", []),
        ("stalled", ["error bench%3A target missed"] * 3),
        ("starved", ["warning bench%3A no verdict", "warning bench%3A target missed"]),
        ("suspect", ["warning bench%3A suspect numbers"]),
        ("lossy", ["error bench%3A broken promise"] * 4 + ["warning bench%3A no verdict"]),
        ("compared", ["error bench%3A worse than the baseline"]),
        ("refused", ["warning bench%3A not compared"] * 2),
    ],
)
def test_each_problem_of_a_load_is_an_error_or_a_warning(name: str, expected: list[str]) -> None:
    """A missed target of an invalid run is only a warning."""
    found = []
    for line in render_annotations(ALL[name]).splitlines():
        kind, _, rest = line.removeprefix("::").partition(" ")
        found.append(f"{kind} {rest.partition('title=')[2].partition('::')[0]}")
    assert found == expected
