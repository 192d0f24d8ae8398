"""The table of what is covered names checks that exist, and the documentation has it as it is."""

from pathlib import Path

from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.coverage import LINES, table

PAGE = Path(__file__).parents[3] / "docs" / "coverage.md"


def test_every_named_check_exists() -> None:
    """A check that was renamed or removed covers nothing."""
    known = {check.id for check in CATALOGUE}
    assert {check for line in LINES for check in line.checks.split()} <= known


def test_every_line_has_a_check_or_a_reason() -> None:
    """And stands once."""
    assert all(line.checks or line.left_out for line in LINES)
    assert len({line.name for line in LINES}) == len(LINES)


def test_the_page_is_current() -> None:
    """Made again with: python -m createflow.scenarios.conformance.coverage docs/coverage.md."""
    assert PAGE.read_text(encoding="utf-8") == table()
