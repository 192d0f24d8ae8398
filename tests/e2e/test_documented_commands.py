"""Every command in the documentation is run, as it stands there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from createflow.reference_server.stack.endpoints import Ports
from tests.joined_process import joined
from tests.up_stack import start_up_command, stop_up_command

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
PORT = "8443"
"""The port in the documents; the test takes a free one in its place."""

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("documents")]


def _marked(documents: list[Path]) -> list[object]:
    """Measurements take half a minute each, and change rarely: `make thorough` repeats them."""
    slow = {"performance.md", "slow-clients.md"}
    return [pytest.param(one, marks=pytest.mark.thorough) if one.name in slow else one for one in documents]


def commands(document: Path) -> list[str]:
    """Lines of ``console`` blocks after their prompt."""
    blocks = re.findall(r"```console\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def makefile_targets() -> set[str]:
    """What ``make`` knows."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.fixture(scope="module")
def documented_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder of the state of the documents' stack, and its port."""
    directory = tmp_path_factory.mktemp("documents")
    directory.chmod(0o711)
    ports = Ports()
    port = str(ports.reserve())
    ports.release()
    up = start_up_command(directory, "--port", port, "--listen", "127.0.0.1", state=directory / ".createflow")
    yield up.state, port
    assert stop_up_command(up) == 0


@pytest.fixture
def terminal(tmp_path: Path, documented_stack: tuple[Path, str]) -> tuple[Path, str]:
    """A new directory with the documents' stack running in it, and its port."""
    state, port = documented_stack
    (tmp_path / ".createflow").symlink_to(state)
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    for name in ("benchmarks", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    for file in (state / "join").iterdir():
        (tmp_path / file.name).symlink_to(file)
    return tmp_path, port


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_make_commands_exist(document: Path) -> None:
    """They are what runs this test, so that running them here would not end."""
    used = {line.split()[1] for line in commands(document) if line.startswith("make ")}
    assert used <= makefile_targets()


@pytest.mark.parametrize("document", _marked(DOCUMENTS), ids=lambda path: path.name)
def test_every_command_does_what_the_document_says(document: Path, terminal: tuple[Path, str]) -> None:
    """In one shell, one after the other; ``up`` runs already, in the other terminal."""
    directory, port = terminal
    lines = [line for line in commands(document) if not line.startswith(("make ", "createflow up"))]
    # Without a profile, this URL is skipped for want of a token; that it is reached is what can be shown.
    # Beside other tests the machine may be too busy for the load's targets; that the load is offered and judged is
    # what can be shown; so is that no write is lost, whether or not it was late in some sink.
    # A run on a busy machine may not reach every state (4): a rate limit, a deadline. None of its checks may fail.
    allowed = {"createflow run --url": (0, 1, 3, 4), "createflow run": (0, 4), "createflow bench": (0, 1, 4, 5)}
    for number, line in enumerate(lines):
        if line.startswith("createflow join "):
            kind, file, *options = line.split()[2:]
            with joined(kind, directory / file, directory, *options) as member:
                member.says("has joined")
                assert member.leave() == 0
            continue
        script = "\n".join([*(earlier for earlier in lines[:number] if "=$(" in earlier or "source" in earlier), line])
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", _brief(script).replace(PORT, port)],
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, "COLUMNS": "100", "CI": "true", "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"},
        )
        expected = next((codes for start, codes in allowed.items() if line.startswith(start)), (0,))
        assert ended.returncode in expected, f"$ {line}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
        assert "Traceback" not in ended.stderr
        if line.startswith("createflow bench"):
            assert re.search(r"([\d,]+) due = \1 answered", ended.stdout), "every due write is accounted for"
            assert not re.search(r"\d (missing|duplicated|phantom|split)\b", ended.stdout)


def _brief(script: str) -> str:
    """What is measured for a minute in a document is shown to work in seconds here."""
    script = script.replace("--rate 1000 --seconds 58", "--rate 50 --seconds 3")
    return script.replace("--capacity 150 --picture", "--capacity 60 --seconds 3 --picture")


def test_the_documented_create_is_a_201_whose_location_answers(terminal: tuple[Path, str]) -> None:
    """The README's curl lines, with their replies read."""
    directory, port = terminal
    lines = commands(ROOT / "README.md")
    token = next(line for line in lines if line.startswith("TOKEN="))
    create = next(line for line in lines if line.startswith("curl") and " -i " in line)
    location = next(line for line in lines if line.startswith("LOCATION="))
    fetch = lines[lines.index(location) + 1]
    script = f"source .venv/bin/activate\n{token}\n{create}\necho\n{location}\n{fetch}".replace(PORT, port)
    ended = subprocess.run(
        ["bash", "-euc", script], cwd=directory, capture_output=True, text=True, check=False, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"^HTTP/2 201", ended.stdout)
    assert ended.stdout.rstrip().endswith('"created_by":"user-1"}')
    assert '"name":"Another"' in ended.stdout
