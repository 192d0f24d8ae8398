"""A report file is written whole or not at all."""

import os
from pathlib import Path

import pytest

from createflow.cli.report_option import report_files
from createflow.schemas.error import UserError


def test_an_old_report_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """And nothing else is left in the folder."""
    file = tmp_path / "r.json"
    file.write_text("old")
    (report,) = report_files([f"json={file}"])
    assert file.read_text() == "old"
    report.save("new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("r.json", "new")]


def test_a_folder_that_goes_away_during_the_run_is_told(tmp_path: Path) -> None:
    """As words, when the report is saved."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (report,) = report_files([f"json={folder / 'r.json'}"])
    folder.rmdir()
    with pytest.raises(UserError, match=r"r\.json: the report cannot be written"):
        report.save("x")


def test_what_is_no_regular_file_is_left_alone(tmp_path: Path) -> None:
    """Putting a file in the place of a device or a pipe would be its end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match="no regular file"):
        report_files([f"json={pipe}"])
    assert pipe.is_fifo()


def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    """As every other program that writes to a file does."""
    (tmp_path / "real.json").write_text("old")
    link = tmp_path / "link.json"
    link.symlink_to("real.json")
    (file,) = report_files([f"json={link}"])
    file.save("new")
    assert link.is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


def test_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    """In words."""
    with pytest.raises(UserError, match="cannot be written"):
        report_files([f"json={tmp_path / ('n' * 300)}"])
