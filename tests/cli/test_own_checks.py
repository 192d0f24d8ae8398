"""``--checks FILE``: checks of one's own are listed, run, gated, tolerated and replayed."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from createflow.cli.app import app
from createflow.cli.exit_code import ExitCode
from createflow.schemas.error import UserError
from tests.scenarios.malformed_server import Habit, malformed_server, reply

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_checks.py"
MISTAKES = '''
import sys

from createflow.checks_api import Step, Target, check


@check(step=Step.RESPONSE, group="bad", source="ours")
async def leaves(target: Target) -> None:
    """It ends the process."""
    sys.exit(0)


@check(step=Step.RESPONSE, group="bad", source="ours")
async def returns_a_number(target: Target) -> int:
    """It returns what is no text."""
    return 7
'''


def answer(location: str) -> Habit:
    """A target with one resource, which says that it is there."""

    def habit(request: bytes) -> bytes:
        if request.startswith(b"GET "):
            return reply("200 OK", b'{"id": "1", "name": "x"}')
        return reply("201 Created", b'{"id": "1", "name": "x"}', headers=f"location: {location}\r\n")

    return habit


def createflow(folder: Path, *arguments: str, location: str = "/api/resources/1") -> tuple[int, str]:
    """Status and output of a command on such a target."""

    async def run() -> subprocess.CompletedProcess[str]:
        async with malformed_server(answer(location)) as url:
            profile = folder / "createflow.toml"
            baseline = profile.read_text().partition("[[baseline]]") if profile.exists() else ("", "", "")
            profile.write_text(f'[target]\nbase_url = "{url}"\n{baseline[1]}{baseline[2]}')
            command = [sys.executable, "-m", "createflow", *arguments]
            return await asyncio.to_thread(
                subprocess.run, command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
            )

    done = asyncio.run(run())
    return done.returncode, done.stdout + done.stderr


def test_they_are_listed_and_explained() -> None:
    """As ours are."""
    listed = CliRunner().invoke(app, ["checks", "--checks", str(EXAMPLE), "shop"]).stdout
    assert "shop.event_names_the_creator\tmust\tour event catalogue\tsinks.events" in listed.splitlines()
    explained = CliRunner().invoke(app, ["checks", "--checks", str(EXAMPLE), "shop.location_ends_with_the_id"]).stdout
    assert "our mobile app takes the id from it" in explained


def test_a_failure_gates_is_replayed_and_is_tolerated_by_the_baseline(tmp_path: Path) -> None:
    """From the first report to the baseline."""
    only = ("--checks", str(EXAMPLE), "--only", "shop")
    run = ("run", *only, "--report", "json=run.json")
    status, said = createflow(tmp_path, *run, location="/api/resources/1?page=2")
    assert status == ExitCode.FAILED, said
    results = {one["id"]: one for one in json.loads((tmp_path / "run.json").read_text())["results"]}
    assert results["shop.event_names_the_creator"]["outcome"] == "skipped"
    finding = results["shop.location_ends_with_the_id"]["finding"]
    assert (finding["expected"], finding["seen"]) == ("a Location that ends with /1", "/api/resources/1?page=2")
    assert finding["source"] == "our API guide, section 4"

    replayed = ("replay", "run.json", "--checks", str(EXAMPLE), "--profile", "createflow.toml")
    status, said = createflow(tmp_path, *replayed)
    assert (status, "FIXED" in said) == (ExitCode.OK, True), said
    refused = CliRunner().invoke(app, ["replay", str(tmp_path / "run.json")]).exception
    assert isinstance(refused, UserError)
    assert "--checks FILE" in refused.hint

    (tmp_path / "createflow.toml").write_text(
        '[[baseline]]\nid = "shop.location_ends_with_the_id"\nreason = "old"\nexpires = 2099-01-01\n'
    )
    status, said = createflow(tmp_path, *run, location="/api/resources/1?page=2")
    assert status == ExitCode.OK, said


def test_a_mistake_in_one_is_broken_and_ends_no_run(tmp_path: Path) -> None:
    """Whatever it raises or returns."""
    (tmp_path / "mistakes.py").write_text(MISTAKES)
    run = ("run", "--checks", "mistakes.py", "--only", "bad", "--report", "json=run.json")
    status, said = createflow(tmp_path, *run)
    outcomes = {one["id"]: one["outcome"] for one in json.loads((tmp_path / "run.json").read_text())["results"]}
    assert outcomes == {"bad.leaves": "broken", "bad.returns_a_number": "passed"}, said
    assert status == ExitCode.UNREACHABLE


@pytest.mark.parametrize("command", ["run", "doctor", "checks"])
def test_no_command_goes_on_with_a_file_that_cannot_be_imported(tmp_path: Path, command: str) -> None:
    """It ends before anything is sent."""
    (tmp_path / "mine.py").write_text("\nimport no_such_module\n")
    refused = CliRunner().invoke(app, [command, "--checks", str(tmp_path / "mine.py")]).exception
    assert isinstance(refused, UserError)
    assert "mine.py:2: the file cannot be imported" in refused.message


def test_a_file_that_cannot_be_imported_is_told_in_two_lines(tmp_path: Path) -> None:
    """Without a traceback."""
    (tmp_path / "mine.py").write_text("\nimport no_such_module\n")
    status, said = createflow(tmp_path, "checks", "--checks", "mine.py")
    assert status == ExitCode.USAGE
    assert "mine.py:2: the file cannot be imported: ModuleNotFoundError: No module named 'no_such_module'" in said
    assert "Traceback" not in said
