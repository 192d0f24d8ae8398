"""Inside GitHub Actions annotations and a summary appear by themselves, and nowhere else."""

from pathlib import Path

import pytest

from createflow.cli.github_actions import tell
from createflow.schemas.report import Outcome
from tests.scenarios.reports.conformance.made_report import report, result
from tests.scenarios.reports.load.made_load_report import lossy

REPORT = report(result("a", Outcome.FAILED))


def test_elsewhere_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    """No environment, no commands."""
    tell(REPORT, {})
    assert capsys.readouterr() == ("", "")


def test_annotations_go_beside_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, which the runner reads as well."""
    tell(REPORT, {"GITHUB_ACTIONS": "true"})
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("::error file=createflow.toml,line=1,title=failed%3A auth_check.a::promised: ")


def test_the_summary_is_added_to_what_is_there(tmp_path: Path) -> None:
    """Other steps write theirs too."""
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    tell(REPORT, {"GITHUB_STEP_SUMMARY": str(file)})
    assert file.read_text().startswith("before\n# FAILED: the target breaks a promise")


def test_a_summary_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict does not hang on it."""
    tell(REPORT, {"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "folder")})
    assert "$GITHUB_STEP_SUMMARY cannot be written" in capsys.readouterr().err


def test_a_load_is_told_as_a_run_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Annotations and a summary of its own."""
    file = tmp_path / "summary.md"
    tell(lossy(), {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)})
    assert file.read_text().startswith("# FAILED: a promise is broken: search: 8 missing")
    assert capsys.readouterr().err.startswith(
        "::error file=createflow.toml,line=1,title=bench%3A broken promise::search"
    )
