"""A saved report becomes any other format, without a target."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from createflow.cli.app import app
from createflow.scenarios.reports.conformance.renderers import RENDERERS
from createflow.scenarios.reports.load.renderers import RENDERERS as LOAD_RENDERERS
from createflow.scenarios.reports.saved import to_json
from tests.scenarios.reports.hostile import HOSTILE
from tests.scenarios.reports.load.made_load_report import stalled


@pytest.mark.parametrize("form", RENDERERS)
def test_every_format_is_rendered_from_the_saved_json(tmp_path: Path, form: str) -> None:
    """The same as it would have been at the end of the run."""
    saved, made = tmp_path / "saved.json", tmp_path / "made"
    saved.write_text(to_json(HOSTILE), encoding="utf-8")
    done = CliRunner().invoke(app, ["report", str(saved), "--report", f"{form}={made}"])
    assert done.exit_code == 0, done.output
    assert made.read_text(encoding="utf-8") == RENDERERS[form](HOSTILE)
    assert json.loads(saved.read_text(encoding="utf-8"))["run_id"] == "r1"


@pytest.mark.parametrize("form", LOAD_RENDERERS)
def test_every_format_of_a_load_is_rendered_from_the_saved_json(tmp_path: Path, form: str) -> None:
    """The same as it would have been at the end of the load, and the result is shown."""
    saved, made = tmp_path / "saved.json", tmp_path / "made"
    saved.write_text(to_json(stalled()), encoding="utf-8")
    done = CliRunner().invoke(app, ["report", str(saved), "--report", f"{form}={made}"])
    assert done.exit_code == 0, done.output
    assert made.read_text(encoding="utf-8") == LOAD_RENDERERS[form](stalled())
    assert "MISSED: 3 of 3 targets" in done.output


def test_a_format_of_the_other_kind_is_an_error(tmp_path: Path) -> None:
    """The hint lists the formats of this kind."""
    saved = tmp_path / "saved.json"
    saved.write_text(to_json(stalled()), encoding="utf-8")
    done = CliRunner().invoke(app, ["report", str(saved), "--report", f"sarif={tmp_path / 'made'}"])
    assert "json, junit, markdown, html, svg, csv, hgrm, hgrm-service" in str(getattr(done.exception, "hint", ""))
