"""``createflow checks`` lists what is checked, and explains one."""

from typer.testing import CliRunner

from createflow.cli.app import app
from createflow.scenarios.checks import CHECKS


def test_every_check_is_listed_for_a_pipe_with_level_and_needs() -> None:
    """One line each, tabs between."""
    lines = CliRunner().invoke(app, ["checks"]).stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == [check.id for check in CHECKS]
    assert "index_update.update_is_found\tmust\ttarget.update, sinks.search" in lines


def test_one_check_is_explained() -> None:
    """Promise, reason, source and needs."""
    text = CliRunner().invoke(app, ["checks", "auth_check.refusal_carries_challenge"]).stdout
    for words in ("Every 401 says in WWW-Authenticate", "Why: without the challenge", "RFC 6750", "no_challenge"):
        assert words in text


def test_an_unknown_check_is_refused() -> None:
    """Told as the user's mistake."""
    result = CliRunner().invoke(app, ["checks", "no_such"])
    assert "no check starts with" in str(result.exception)
