"""A saved report becomes any other format, without a target."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from createflow.cli.app import app
from createflow.scenarios.reports import as_json
from createflow.scenarios.reports.renderers import RENDERERS
from tests.scenarios.reports.hostile import HOSTILE


@pytest.mark.parametrize("form", RENDERERS)
def test_every_format_is_rendered_from_the_saved_json(tmp_path: Path, form: str) -> None:
    """The same as it would have been at the end of the run."""
    saved, made = tmp_path / "saved.json", tmp_path / "made"
    saved.write_text(as_json.render(HOSTILE), encoding="utf-8")
    done = CliRunner().invoke(app, ["report", str(saved), "--report", f"{form}={made}"])
    assert done.exit_code == 0, done.output
    assert made.read_text(encoding="utf-8") == RENDERERS[form](HOSTILE)
    assert json.loads(saved.read_text(encoding="utf-8"))["run_id"] == "r1"
