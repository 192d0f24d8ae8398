"""Reports point at the lines of the profile that are about a step."""

from pathlib import Path

import pytest

from createflow.scenarios.conformance.profile_lines import place_of
from createflow.scenarios.reports.conformance.problems import source_location
from createflow.schemas import profile_file
from createflow.schemas.flow import Step
from createflow.schemas.report import Outcome
from tests.scenarios.reports.conformance.made_report import report, result

TEXT = """\
[{0}sinks.search]
url = "http://h"
index = "i"
[{0}target]
base_url = "http://h"
[{0}auth]
kind = "none"
[[{0}baseline]]
id = "response.x"
reason = "r"
expires = 2030-01-01
"""


@pytest.mark.parametrize(("name", "prefix"), [("createflow.toml", ""), ("pyproject.toml", "tool.createflow.")])
def test_the_lines_of_what_is_there(tmp_path: Path, name: str, prefix: str) -> None:
    """Its own file or the project's; what is not there has no line."""
    folder = tmp_path / "deploy"
    folder.mkdir()
    file = folder / name
    file.write_text(TEXT.format(prefix))
    made = place_of(file, profile_file.load(file), project=tmp_path)
    assert made.file == f"deploy/{name}"
    assert made.lines == {"target": 4, "auth": 6, "sinks.search": 1, "baseline.response.x": 8}
    whole = report(place=made)
    for check, line in (
        (result("a", Outcome.FAILED), 6),
        (result("a", Outcome.FAILED, step=Step.INDEX_UPDATE), 1),
        (result("a", Outcome.FAILED, step=Step.RATE_LIMIT), 4),
        (result("x", Outcome.FAILED, step=Step.RESPONSE), 8),
    ):
        assert source_location(whole, check) == (f"deploy/{name}", line)


def test_a_file_outside_of_the_project_is_told_by_its_name(tmp_path: Path) -> None:
    """Where else it lies on this machine is nobody's business."""
    file = tmp_path / "createflow.toml"
    file.write_text(TEXT.format(""))
    assert place_of(file, profile_file.load(file), project=tmp_path / "other").file == "createflow.toml"


def test_without_a_profile_it_is_where_one_would_be() -> None:
    """Code scanning wants a place for everything."""
    assert source_location(report(), result("a", Outcome.FAILED)) == ("createflow.toml", 1)
