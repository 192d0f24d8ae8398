"""A saved load report is read again, and what is none is told apart."""

import json
import os
from pathlib import Path

import pytest

from createflow.scenarios.reports import saved_load as load_report_file
from createflow.scenarios.reports.saved_load import NoReportError, read_load_report
from createflow.schemas.error import UserError
from tests.scenarios.load.verdict.made_load_report import load_report


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    """Nothing is lost."""
    file = tmp_path / "r.json"
    file.write_text(load_report(1).model_dump_json(indent=1))
    assert read_load_report(file) == load_report(1)


def test_a_missing_baseline_is_an_error_of_its_own(tmp_path: Path) -> None:
    """Nothing to compare with must never look like no difference."""
    with pytest.raises(NoReportError, match=r"none\.json: no such report") as caught:
        read_load_report(tmp_path / "none.json")
    assert "--report json=" in caught.value.hint


def _document(**update: object) -> str:
    return json.dumps(load_report(1, seconds=1).model_dump(mode="json") | update)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not the report of a load run"),
        ('{"schema_version": 2}', "'createflow_version': Field required"),
        ('{"schema_version": 1, "results": []}', "the report of createflow run"),
        (_document(schema_version=1), "an older createflow (schema version 1, this one reads 2)"),
        (_document(schema_version=3), "a newer createflow (schema version 3, this one reads 2)"),
        (_document(surprise=1), "'surprise': Extra inputs"),
        (_document(**{"\x1b[31m": 1}), "'\\x1b[31m': Extra inputs"),
        (_document(senders="many"), "'senders'"),
    ],
    ids=range(11),
)
def test_what_is_no_load_report_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """With the file's name and what to do."""
    file = tmp_path / "r.json"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_load_report(file)
    assert not isinstance(caught.value, NoReportError)
    assert caught.value.message.startswith(f"{file}: ")
    assert words in caught.value.message
    assert caught.value.hint


def test_what_cannot_be_read_as_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory, a pipe that would hang, bytes, and more than a report can be."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    huge = tmp_path / "huge"
    huge.write_text(" " * 2000)
    monkeypatch.setattr(load_report_file, "_MOST_BYTES", 1000)
    for file, words in ((tmp_path, "not a file"), (pipe, "not a file"), (binary, "not UTF-8"), (huge, "larger than")):
        with pytest.raises(UserError, match=words):
            read_load_report(file)
