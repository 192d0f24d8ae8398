"""The command is quick: a run calls it many times to bring faults in and out."""

import subprocess
import sys

import pytest

from createflow.cli import app
from createflow.schemas.error import TargetError


@pytest.mark.parametrize(
    ("asked", "heavy"), [("stack", "createflow.scenarios"), ("token", "httpx"), ("run", "createflow.scenarios.load")]
)
def test_a_command_imports_nothing_of_the_others(asked: str, heavy: str) -> None:
    """What makes and measures loads costs more to import than all that a fault takes."""
    code = (
        f"import sys; sys.argv = ['createflow', '{asked}']; import createflow.cli.app; print('{heavy}' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("words", [["--help"], ["stack", "--help"], ["no-such-command"], []])
def test_help_knows_every_command_and_each_is_there_by_itself(words: list[str]) -> None:
    """What is asked for is found; what is not is told with a usage error, never a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "createflow", *words], capture_output=True, text=True, check=False, timeout=60
    )
    told = done.stdout + done.stderr
    assert "Traceback" not in told
    if words[:1] == ["--help"]:
        assert all(name in told for name in ("run", "bench", "up", "stack", "checks", "init", "token", "replay"))
    elif words[:1] == ["stack"]:
        assert done.returncode == 0
        assert "inject" in told


def test_a_targets_words_in_an_error_do_not_move_the_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several lines of our own stay several; what would be a command to the terminal is shown as its escape."""

    def fail() -> None:
        raise TargetError(
            "http://127.0.0.1:1", "answered 500: \x1b[31m\x1b]0;title\x07 \u202e\nand more", hint="look \x1b[2Jthere"
        )

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(SystemExit):
        app.main()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        r"createflow: http://127.0.0.1:1: answered 500: \x1b[31m\x1b]0;title\x07 \u202e",
        "and more",
        r"  hint: look \x1b[2Jthere",
    ]
