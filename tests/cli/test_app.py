"""The command loads only what is called, and shows help and errors."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from createflow.cli import app
from createflow.schemas.error import TargetError


def _run_python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


MODULES = """
import sys
from typer.testing import CliRunner
from createflow.cli.app import app
assert CliRunner().invoke(app, sys.argv[1:]).exit_code == 0
print([name for name in sys.modules if name.startswith("createflow.") or "." not in name])
"""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["stack", "--help"], "createflow.scenarios"),
        (["token", "--help"], "httpx"),
        (["run", "--help"], "createflow.scenarios.load"),
        (["bench", "--help"], "createflow.scenarios.checks"),
        (["report", "--help"], "jinja2"),
        (["--help"], "createflow.scenarios"),
        (["--help"], "createflow.schemas.profile"),
        (["--version"], "createflow.cli.run_command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_command_imports_nothing_of_the_others(arguments: list[str], heavy: str) -> None:
    """A run calls the command many times to inject faults: what makes and measures loads costs more than the fault."""
    assert f"'{heavy}'" not in _run_python(MODULES, *arguments)


@pytest.mark.parametrize("name", app.COMMANDS)
def test_the_help_line_of_a_command_is_the_beginning_of_its_help(name: str) -> None:
    """The group shows the line without importing the command."""
    text = CliRunner().invoke(app.app, [name, "--help"], env={"COLUMNS": "100", "TERM": "dumb"}).output
    assert app.COMMANDS[name] in " ".join(text.split())
    assert "Example: " in text, "each command's help teaches with an example"


@pytest.mark.parametrize("arguments", [["--help"], ["stack", "--help"], ["no-such-command"], ["rum"], []])
def test_help_shows_every_command_and_errors_are_no_tracebacks(arguments: list[str]) -> None:
    """An unknown command is a usage error, with the nearest name."""
    done = subprocess.run(
        [sys.executable, "-m", "createflow", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    output = done.stdout + done.stderr
    assert "Traceback" not in output
    if arguments in ([], ["--help"]):
        assert all(name in output for name in app.COMMANDS)
        assert all(line.split(",")[0].rstrip(".") in output for line in app.COMMANDS.values())
        assert "invalid command line or profile" in " ".join(output.split())
    elif arguments[0] == "stack":
        assert done.returncode == 0
        assert "inject" in output
    else:
        assert done.returncode == 2
        assert ("Did you mean" in output) == (arguments == ["rum"])


@pytest.mark.parametrize(
    ("words", "position", "expected"),
    [("createflow re", 1, ["report", "replay"]), ("createflow report --rep", 2, ["--report"])],
)
def test_completion_knows_commands_and_their_options(words: str, position: int, expected: list[str]) -> None:
    """As the shell asks for it."""
    environment = {
        "_CREATEFLOW_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(position),
    }
    output = CliRunner().invoke(app.app, [], env=environment, prog_name="createflow").output
    assert output.split() == expected


def test_the_text_of_a_target_in_an_error_does_not_move_the_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Our own lines stay lines; a command to the terminal is shown as its escape."""

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
