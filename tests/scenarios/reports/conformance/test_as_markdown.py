"""Markdown in which text of a target is never markup."""

import re

from createflow.scenarios.reports.conformance import as_markdown
from tests.scenarios.reports.conformance.made_report import report
from tests.scenarios.reports.hostile import HOSTILE

TEXT = as_markdown.render(HOSTILE)


def test_the_verdict_is_the_title_and_the_steps_a_table() -> None:
    """Each step that was checked, once."""
    lines = TEXT.splitlines()
    assert lines[0].startswith("# FAILED: a required check failed (2 passed, 4 failed")
    assert "| 3 | auth_check | api | 1 | 4 |  |  |  |" in lines
    assert sum(line.startswith("| 16 |") for line in lines) == 1


def test_text_of_the_target_stays_inside_code() -> None:
    """No line of its own, no heading, no end of a fence."""
    prose = re.sub(r"(?ms)^(`{3,})text$.*?^\1$", "", TEXT)
    prose = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", prose)
    assert "<script>" not in prose
    assert "# x" not in prose
    assert "\x1b" not in TEXT
    assert "\r" not in TEXT


def test_everything_is_listed() -> None:
    """Failures with curl and replay, notes, skips with their reason, what was left behind."""
    for words in (
        "## failed: `auth_check.advice` (should)",
        "curl: curl -i",
        "replay: 0a1b2c3d",
        "`index_update.skipped`",
        "## Compared",
        "`: `replicate.passed`",
        "expired baseline entry: auth_check.expired",
        "  https://h/2",
    ):
        assert words in TEXT


def test_a_report_of_nothing_is_short() -> None:
    """No empty section."""
    assert "##" not in as_markdown.render(report())
