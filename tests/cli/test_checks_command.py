"""``createflow checks`` lists what is checked, and explains one."""

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from createflow.cli.app import app
from createflow.cli.checks_command import _WIDE_COLUMNS, _table
from createflow.scenarios.conformance.catalogue import CATALOGUE


def test_every_check_is_listed_for_a_pipe_with_level_and_needs() -> None:
    """One line each, tabs between."""
    lines = CliRunner().invoke(app, ["checks"]).stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == [check.id for check in CATALOGUE]
    update = next(line.split("\t") for line in lines if line.startswith("index_update.update_is_found\t"))
    assert update[1:2] + update[3:] == ["must", "target.update, sinks.search"]
    assert all(len(line.split("\t")) == 4 and line.split("\t")[2] for line in lines)


def test_one_check_is_explained() -> None:
    """Promise, reason, source and needs."""
    text = CliRunner().invoke(app, ["checks", "auth_check.refusal_carries_challenge"]).stdout
    for words in ("Every 401 names the required scheme", "Why: without the challenge", "RFC 6750", "no_challenge"):
        assert words in text


def test_an_unknown_check_is_refused() -> None:
    """Told as the user's mistake."""
    result = CliRunner().invoke(app, ["checks", "no_such"])
    assert "no check starts with" in str(result.exception)


@pytest.mark.parametrize(("width", "shown"), [(100, False), (160, True)])
def test_a_terminal_that_is_wide_enough_shows_the_sources(width: int, shown: bool) -> None:  # noqa: FBT001 - a case
    """A narrow one keeps ids whole instead."""
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=True, color_system=None).print(
        _table(CATALOGUE, wide=width >= _WIDE_COLUMNS)
    )
    assert ("RFC 9110 §6.6.1" in out.getvalue()) is shown
    assert all(check.id in out.getvalue() for check in CATALOGUE)
