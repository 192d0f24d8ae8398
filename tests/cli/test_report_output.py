"""A report file is written whole or not at all; GitHub Actions gets annotations and a summary."""

import os
from pathlib import Path

import pytest

from createflow.cli.report_output import open_report_files, partial_writer, publish_to_github, save_all
from createflow.schemas.error import UserError
from createflow.schemas.report import Outcome, RunReport
from tests.scenarios.reports.conformance.made_report import report as made_report
from tests.scenarios.reports.conformance.made_report import result
from tests.scenarios.reports.load.made_load_report import lossy

REPORT = made_report(result("a", Outcome.FAILED))


def test_an_old_report_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """And nothing else is left in the folder."""
    file = tmp_path / "r.json"
    file.write_text("old")
    (report,) = open_report_files([f"json={file}"], ("json",))
    assert file.read_text() == "old"
    report.save("new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("r.json", "new")]


def test_a_folder_that_is_removed_during_the_run_is_an_error(tmp_path: Path) -> None:
    """When the report is saved, with the name of the file."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (report,) = open_report_files([f"json={folder / 'r.json'}"], ("json",))
    folder.rmdir()
    with pytest.raises(UserError, match=r"r\.json: the report cannot be written"):
        report.save("x")


def test_what_is_no_regular_file_is_left_alone(tmp_path: Path) -> None:
    """Putting a file in the place of a device or a pipe would be its end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match="not a regular file"):
        open_report_files([f"json={pipe}"], ("json",))
    assert pipe.is_fifo()


def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    """As every other program that writes to a file does."""
    (tmp_path / "real.json").write_text("old")
    link = tmp_path / "link.json"
    link.symlink_to("real.json")
    (file,) = open_report_files([f"json={link}"], ("json",))
    file.save("new")
    assert link.is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


def test_a_name_that_is_too_long_is_an_error(tmp_path: Path) -> None:
    """With a message, not a traceback."""
    with pytest.raises(UserError, match="cannot be written"):
        open_report_files([f"json={tmp_path / ('n' * 300)}"], ("json",))


@pytest.mark.parametrize("name", ["loop", "loop/r.json"])
def test_a_link_to_itself_is_an_error(tmp_path: Path, name: str) -> None:
    """Before anything runs."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UserError, match="cannot be written"):
        open_report_files([f"json={tmp_path / name}"], ("json",))


def test_elsewhere_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    """No environment, no commands."""
    publish_to_github(REPORT, {})
    assert capsys.readouterr() == ("", "")


def test_annotations_go_beside_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, which the runner reads as well."""
    publish_to_github(REPORT, {"GITHUB_ACTIONS": "true"})
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("::error file=createflow.toml,line=1,title=failed%3A auth_check.a::promised: ")


def test_the_summary_is_added_to_what_is_there(tmp_path: Path) -> None:
    """Other steps of the job write their summaries too."""
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    publish_to_github(REPORT, {"GITHUB_STEP_SUMMARY": str(file)})
    assert file.read_text().startswith("before\n# FAILED: a required check failed")


def test_a_summary_that_cannot_be_written_is_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It does not change the verdict."""
    publish_to_github(REPORT, {"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "folder")})
    assert "$GITHUB_STEP_SUMMARY cannot be written" in capsys.readouterr().err


def test_a_load_is_published_as_a_run_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Annotations and a summary of its own."""
    file = tmp_path / "summary.md"
    publish_to_github(lossy(), {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)})
    assert file.read_text().startswith("# FAILED: primary: 2 altered")
    assert capsys.readouterr().err.startswith(
        "::error file=createflow.toml,line=1,title=bench%3A broken promise::primary: 2 altered"
    )


def _broken(_: RunReport) -> str:
    raise ZeroDivisionError


def test_a_format_that_fails_costs_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The defect is told by the name of the file, without what it quotes."""
    files = open_report_files([f"text={tmp_path / 'a'}", f"json={tmp_path / 'b'}"], ("text", "json"))
    assert not save_all(files, {"text": _broken, "json": lambda _: "whole"}, REPORT)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("b", "whole")]
    assert f"{tmp_path / 'a'}: the text report cannot be made: ZeroDivisionError" in capsys.readouterr().err


def test_a_partial_report_that_cannot_be_written_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run goes on."""
    folder = tmp_path / "folder"
    folder.mkdir()
    save = partial_writer(open_report_files([f"json={folder / 'r.json'}"], ("json",)))
    save(REPORT)
    assert '"run_id"' in (folder / "r.json").read_text()
    (folder / "r.json").unlink()
    folder.rmdir()
    save(REPORT)
    save(REPORT)
    assert capsys.readouterr().err.count("the report cannot be written") == 1


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_a_new_report_belongs_to_its_owner_alone(tmp_path: Path, mask: int) -> None:
    """From its first byte on, whatever the umask. An old one keeps the permissions that somebody gave it."""
    new, old = tmp_path / "new", tmp_path / "old"
    old.touch()
    old.chmod(0o644)
    before = os.umask(mask)
    try:
        for file in open_report_files([f"json={new}", f"text={old}"], ("json", "text")):
            file.save("x")
    finally:
        os.umask(before)
    assert [oct(file.stat().st_mode & 0o777) for file in (new, old)] == ["0o600", "0o644"]
