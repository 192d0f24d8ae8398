"""Annotations of GitHub Actions: one line each, which no reply can add to."""

from createflow.scenarios.reports.conformance.github import LONGEST_SUMMARY_BYTES, annotations, summary
from createflow.schemas.report import Outcome
from tests.scenarios.reports.conformance.made_report import report, result
from tests.scenarios.reports.hostile import HOSTILE

LINES = annotations(HOSTILE).splitlines()


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
    assert annotations(report(result("a", Outcome.PASSED))) == ""


def test_a_summary_that_is_too_long_is_cut_and_says_so() -> None:
    """It would be refused as a whole."""
    long = summary("é" * LONGEST_SUMMARY_BYTES)
    assert len(long.encode()) <= LONGEST_SUMMARY_BYTES
    assert long.endswith("(cut: the whole report is longer than a summary may be)\n")
    assert summary("short") == "short"
