"""The action and its workflow: of the shape that GitHub reads, and a script that passes on its inputs."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/conformance.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]


def test_the_action_is_composite_and_each_step_names_its_shell() -> None:
    """What GitHub demands of one."""
    assert ACTION["runs"]["using"] == "composite"
    assert all(step["shell"] == "bash" for step in STEPS)
    assert {"profile", "url", "only", "args"} <= set(ACTION["inputs"])
    assert all(entry["description"] for entry in ACTION["inputs"].values())


def test_no_input_is_pasted_into_a_script() -> None:
    """Each script takes them as variables: what a pull request can write is not run."""
    assert not [step["name"] for step in STEPS if "${{" in step["run"]]
    used = {name for step in STEPS for value in step["env"].values() for name in re.findall(r"inputs\.([\w-]+)", value)}
    assert used == set(ACTION["inputs"])


def test_the_workflow_is_the_projects_own_gate() -> None:
    """It uses the action of the same checkout, with the least rights, and keeps its reports also when it fails."""
    steps = WORKFLOW["jobs"]["reference"]["steps"]
    assert WORKFLOW["permissions"] == {"contents": "read"}
    own = next(step for step in steps if step["uses"] == "./")
    assert set(own.get("with", {})) <= set(ACTION["inputs"])
    assert any(step["uses"].startswith("actions/upload-artifact@") and step["if"] == "always()" for step in steps)


@pytest.mark.parametrize("document", ["ci.md"])
def test_what_the_documents_show_is_yaml_with_inputs_that_exist(document: str) -> None:
    """The snippets can be copied."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    snippets = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    assert [sorted(map(str, one)) for one in snippets] == [
        ["permissions", "steps"],
        ["createflow"],
        ["jobs", "version", "workflows"],
    ]
    (own,) = [step for step in snippets[0]["steps"] if step["uses"].startswith("createflow/")]
    assert set(own["with"]) <= set(ACTION["inputs"])


def run_script(folder: Path, status: int, **inputs: str) -> tuple[int, list[str], str]:
    """Run the second step with a command that writes down its arguments; its status, those, and the outputs."""
    command = folder / "createflow" / "bin" / "createflow"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {folder}/arguments\nexit {status}\n')
    command.chmod(0o755)
    output = folder / "output"
    names = {"PROFILE": "", "URL": "", "ONLY": "", "ARGS": "", "ALLOW_COMMANDS": "false"}
    environment = {**os.environ, **names, **inputs, "RUNNER_TEMP": str(folder), "GITHUB_OUTPUT": str(output)}
    ended = subprocess.run(["bash", "-e", "-c", STEPS[1]["run"]], cwd=folder, env=environment, check=False, timeout=20)
    return ended.returncode, (folder / "arguments").read_text().splitlines(), output.read_text()


def test_inputs_become_arguments(tmp_path: Path) -> None:
    """Lists are separated by blanks or lines; stars and commands in them mean nothing."""
    code, arguments, _ = run_script(
        tmp_path, 0, PROFILE="a b.toml", ONLY="auth_check\nresponse", ARGS="--report json=* $(touch bad) ;"
    )
    assert code == 0
    assert arguments == [
        *("run", "--profile", "a b.toml", "--only", "auth_check", "--only", "response"),
        *("--report", "json=*", "$(touch", "bad)", ";"),
    ]
    assert not (tmp_path / "bad").exists()


def test_commands_of_the_profile_run_only_where_the_workflow_says_so(tmp_path: Path) -> None:
    """A pull request can change the profile, but not the workflow that gates it."""
    assert run_script(tmp_path, 0, PROFILE="p", ALLOW_COMMANDS="true")[1] == [
        "run",
        "--profile",
        "p",
        "--allow-commands",
    ]
    for number, value in enumerate(("false", "", "True; x")):
        assert run_script(tmp_path / str(number), 0, PROFILE="p", ALLOW_COMMANDS=value)[1] == ["run", "--profile", "p"]


def test_the_status_is_kept_and_told(tmp_path: Path) -> None:
    """The job fails as createflow does, and later steps can read with what."""
    assert run_script(tmp_path, 6, URL="https://h/r") == (6, ["run", "--url", "https://h/r"], "status=6\n")
