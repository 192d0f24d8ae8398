"""A report file is written whole or not at all."""

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
