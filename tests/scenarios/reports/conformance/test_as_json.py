"""A report is saved whole and read again."""

from pathlib import Path

import pytest

from createflow.scenarios.reports.conformance import as_json
from createflow.schemas.error import UserError
from createflow.schemas.report import Outcome
from tests.scenarios.reports.conformance.made_report import report, result


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    """Nothing is lost."""
    whole = report(result("a", Outcome.FAILED), result("b", Outcome.SKIPPED, reason="é"))
    file = tmp_path / "r.json"
    file.write_text(as_json.render(whole), encoding="utf-8")
    assert as_json.parse(file) == whole


@pytest.mark.parametrize("text", ["", "[]", '{"schema_version": 1}', "not json"])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    """With the file's name and how to make one."""
    file = tmp_path / "r.json"
    file.write_text(text)
    with pytest.raises(UserError, match=r"r\.json: not the report of a run"):
        as_json.parse(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """No traceback."""
    with pytest.raises(UserError, match="cannot be read"):
        as_json.parse(tmp_path / "none.json")
