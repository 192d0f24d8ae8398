"""Saved reports are read again as they were, and other files are refused."""

import json
import os
from pathlib import Path

import pytest

from createflow.cli import bench_view, run_view
from createflow.scenarios.reports import saved
from createflow.scenarios.reports.conformance.renderers import RENDERERS
from createflow.scenarios.reports.load.renderers import RENDERERS as LOAD_RENDERERS
from createflow.scenarios.reports.saved import read_conformance_report, read_load_report, read_report, to_json
from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import Outcome, RunReport
from tests.scenarios.load.verdict.made_load_report import load_report as small_load_report
from tests.scenarios.reports.conformance.made_report import report, result
from tests.scenarios.reports.load.made_load_report import ALL, load_report

SAVED_BY_0_1_0 = Path(__file__).parent / "saved_by_0_1_0"


def _file(folder: Path, text: str) -> Path:
    file = folder / "saved.json"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ALL)
def test_every_load_report_is_read_again_as_it_was(tmp_path: Path, name: str) -> None:
    """Infinite numbers too."""
    file = _file(tmp_path, to_json(ALL[name]))
    assert read_report(file) == read_load_report(file) == ALL[name]


def test_a_conformance_report_is_read_again_as_it_was(tmp_path: Path) -> None:
    """Nothing is lost."""
    whole = report(result("a", Outcome.FAILED), result("b", Outcome.SKIPPED, reason="é"))
    file = _file(tmp_path, to_json(whole))
    assert read_report(file) == read_conformance_report(file) == whole


@pytest.mark.parametrize("form", RENDERERS)
def test_a_conformance_report_of_version_0_1_0_is_rendered_in_every_format(form: str) -> None:
    """The file was written by that version."""
    old = read_report(SAVED_BY_0_1_0 / "run.json")
    assert isinstance(old, RunReport)
    assert len(old.results) == 124
    assert RENDERERS[form](old).strip()


@pytest.mark.parametrize("form", LOAD_RENDERERS)
def test_a_load_report_of_version_0_1_0_is_rendered_in_every_format(form: str) -> None:
    """The file was written by that version, and its targets hold no data fields."""
    old = read_report(SAVED_BY_0_1_0 / "bench.json")
    assert isinstance(old, LoadReport)
    assert [slo.metric_name for slo in old.slos] == ["p99", "rate", "errors"]
    assert LOAD_RENDERERS[form](old).strip()


def test_reports_of_version_0_1_0_are_shown_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """As ``createflow report FILE`` does."""
    from rich.console import Console

    conformance, load = read_report(SAVED_BY_0_1_0 / "run.json"), read_report(SAVED_BY_0_1_0 / "bench.json")
    assert isinstance(conformance, RunReport)
    assert isinstance(load, LoadReport)
    run_view.print_report(Console(width=80, force_terminal=True), conformance)
    bench_view.print_report(Console(width=80, force_terminal=True), load)
    out = capsys.readouterr().out
    assert "HOLDS" in out
    assert "74.37 ms" in out


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", "<testsuites/>", "[" * 100_000])
def test_a_file_that_is_no_report_is_refused_with_a_hint(tmp_path: Path, text: str) -> None:
    """Another format of a report is a likely mistake."""
    for read in (read_report, read_load_report, read_conformance_report):
        with pytest.raises(
            UserError, match=r"saved\.json: (not (JSON|a report of createflow)|more than 100 levels)"
        ) as caught:
            read(_file(tmp_path, text))
        assert "--report json=FILE" in caught.value.hint


def test_a_report_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    """By name."""
    with pytest.raises(UserError, match="a report of createflow bench, not of createflow run"):
        read_conformance_report(_file(tmp_path, to_json(load_report())))
    with pytest.raises(UserError, match="a report of createflow run, not of createflow bench"):
        read_load_report(_file(tmp_path, to_json(report())))


def test_a_missing_report_is_an_error() -> None:
    """Nothing to compare with must never look like no difference."""
    for read in (read_report, read_load_report, read_conformance_report):
        with pytest.raises(UserError, match=r"none\.json: no such file") as caught:
            read(Path("none.json"))
        assert "--report json=" in caught.value.hint


def _document(**update: object) -> str:
    return json.dumps(small_load_report(1, seconds=1).model_dump(mode="json") | update)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema_version": 2}', "'createflow_version': Field required"),
        (_document(schema_version=1), "an older createflow (schema version 1, this version reads 2)"),
        (_document(schema_version=3), "a newer createflow (schema version 3, this version reads 2)"),
        (_document(surprise=1), "'surprise': Extra inputs"),
        (_document(**{"\x1b[31m": 1}), "'\\x1b[31m': Extra inputs"),
        (_document(senders="many"), "'senders'"),
        (_document(offered_per_s="many"), "not a report of createflow bench: 'offered_per_s'"),
    ],
    ids=range(7),
)
def test_an_invalid_load_report_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """With the file's name, the field and a hint."""
    file = _file(tmp_path, text)
    with pytest.raises(UserError) as caught:
        read_load_report(file)
    assert caught.value.message.startswith(f"{file}: ")
    assert message in caught.value.message
    assert caught.value.hint


def test_an_invalid_conformance_report_is_refused(tmp_path: Path) -> None:
    """With the field."""
    with pytest.raises(UserError, match="not a report of createflow run: 'createflow_version': Field required"):
        read_conformance_report(_file(tmp_path, '{"schema_version": 1, "results": []}'))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory, a pipe that would hang, bytes, and more than a report can be."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    huge = tmp_path / "huge"
    huge.write_text(" " * 2000)
    monkeypatch.setattr(saved, "_MAX_BYTES", 1000)
    for file, message in (
        (tmp_path, "a directory"),
        (pipe, "not a regular file"),
        (binary, "not UTF-8"),
        (huge, "larger than"),
    ):
        with pytest.raises(UserError, match=message):
            read_load_report(file)
