"""A saved report is known by what is in it."""

from pathlib import Path

import pytest

from createflow.scenarios.reports.conformance import as_json
from createflow.scenarios.reports.load import as_json as load_json
from createflow.scenarios.reports.saved import parse
from createflow.schemas.error import UserError
from createflow.schemas.report import Outcome
from tests.scenarios.reports.conformance.made_report import report, result
from tests.scenarios.reports.load.made_load_report import ALL, load_report


def _file(folder: Path, text: str) -> Path:
    file = folder / "saved.json"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ALL)
def test_every_load_is_read_again_as_it_was(tmp_path: Path, name: str) -> None:
    """What is infinite too."""
    assert parse(_file(tmp_path, load_json.render(ALL[name]))) == ALL[name]


def test_a_conformance_run_is_known_too(tmp_path: Path) -> None:
    """By its results."""
    saved = report(result("a", Outcome.PASSED))
    assert parse(_file(tmp_path, as_json.render(saved))) == saved


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", "<testsuites/>", "[" * 100_000])
def test_anything_else_is_told_with_what_would_do(tmp_path: Path, text: str) -> None:
    """Another format of a report is a likely mistake."""
    with pytest.raises(UserError, match="neither the report of a run nor of a load") as caught:
        parse(_file(tmp_path, text))
    assert "--report json=FILE" in caught.value.hint


def test_a_load_of_another_version_names_what_is_wrong(tmp_path: Path) -> None:
    """By its place in the file."""
    text = load_json.render(load_report()).replace('"offered_per_s": 500.0', '"offered_per_s": "many"')
    with pytest.raises(UserError, match="not the report of a load run: 'offered_per_s'") as caught:
        parse(_file(tmp_path, text))
    assert "createflow bench" in caught.value.hint
