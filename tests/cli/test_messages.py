"""Messages and tracebacks command no terminal and hold no secret, whatever an error quotes."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from createflow.cli.app import _report_defect
from createflow.cli.exit_code import ExitCode
from createflow.cli.messages import print_error, print_message, print_traceback
from tests.scenarios.text.every_encoding import ENCODINGS, SECRETS, TOKEN, mask, traces

CONTROLS = "\x1b[2J\x9b\u202e\r::error::x\n##[error]x"


def raised(text: str) -> ValueError:
    """An error that quotes the text, and was caused by another that does too."""
    error = ValueError(f"cannot use {text}")
    error.__cause__ = LookupError(text)
    return error


def to_console(text: str) -> None:
    """The message on stderr."""
    print_message(Console(stderr=True, width=80), text)


PRINTERS: dict[str, Callable[[str], None]] = {
    "error": print_error,
    "hint": lambda text: print_error("x", text),
    "message": to_console,
    "traceback": lambda text: print_traceback(raised(text)),
}


@pytest.mark.parametrize("printer", PRINTERS)
@pytest.mark.parametrize("kind", SECRETS)
def test_no_message_holds_a_secret(printer: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In any encoding: the masks of the run know it, wherever the message was made."""
    known = mask()
    for encode in ENCODINGS.values():
        PRINTERS[printer](encode(SECRETS[kind]))
    shown = capsys.readouterr().err
    assert shown
    assert not [trace for trace in traces(SECRETS[kind]) if trace in shown]
    assert known


@pytest.mark.parametrize("printer", PRINTERS)
def test_a_message_is_text(printer: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No control, no markup, no command of a CI system."""
    PRINTERS[printer](f"{CONTROLS} [bold]x[/bold]")
    shown = capsys.readouterr().err
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert "[bold]x[/bold]" in shown
    assert "##[" not in shown
    assert not [line for line in shown.splitlines() if line.strip().startswith("::error::")]


def test_a_token_is_masked_though_no_run_knows_it(capsys: pytest.CaptureFixture[str]) -> None:
    """An error before the run reads the profile."""
    print_error(f"cannot parse 'Bearer {TOKEN}' of postgresql://u:s3cr3t-pass@h/db")
    shown = capsys.readouterr().err
    assert "$TOKEN" in shown
    assert "s3cr3t-pass" not in shown


@pytest.mark.parametrize("debug", ["", "1"], ids=["message", "debug"])
def test_a_defect_of_ours_shows_no_secret(
    debug: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CREATEFLOW_DEBUG too."""
    monkeypatch.setenv("CREATEFLOW_DEBUG", debug)
    assert _report_defect(raised(f"{CONTROLS}{TOKEN}")) is ExitCode.UNREACHABLE
    shown = capsys.readouterr().err
    assert ("ValueError: cannot use" in shown) is bool(debug)
    assert not [part for part in TOKEN.split(".") if part in shown]
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_a_console_that_is_a_file_gets_the_same() -> None:
    """Progress can go to a log."""
    console = Console(file=io.StringIO(), width=80)
    print_message(console, f"left: {TOKEN}{CONTROLS}")
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().startswith("left: $TOKEN\\x1b[2J")
