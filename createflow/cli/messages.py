"""Messages to the user on stderr. Nothing in their text is taken for markup or for a command to the terminal."""

import sys
import traceback
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

_MOST_ANSWERED = 100


def print_message(console: "Console", text: str) -> None:
    """Print the text unwrapped, without markup and highlighting; what does not print is escaped."""
    # Here: a command that succeeds needs nothing of the tester.
    from createflow.scenarios.text.printable import printable_lines
    from createflow.scenarios.text.secret_mask import without_secrets

    console.print(printable_lines(without_secrets(text)), soft_wrap=True, highlight=False, markup=False)


def is_on_terminal() -> bool:
    """Whether somebody can be asked, and sees the question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_confirmed(question: str) -> bool:
    """The answer on the terminal; anything but yes, and the end of the input, is a no.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    typer.echo(f"{question} [y/N] ", err=True, nl=False)
    return sys.stdin.readline(_MOST_ANSWERED).strip().lower() in {"y", "yes"}


def print_error(message: str, hint: str = "") -> None:
    """Print why a command failed, and what to do about it. Both may quote a target or a document."""
    from createflow.scenarios.text.printable import one_line
    from createflow.scenarios.text.secret_mask import without_secrets

    text = f"createflow: {message}" + (f"\n  hint: {hint}" if hint else "")
    for line in without_secrets(text).split("\n"):
        typer.echo(one_line(line), err=True)


def print_traceback(error: BaseException) -> None:
    """Print where and why a command failed. Messages of errors quote what others sent, and secrets."""
    from createflow.scenarios.text.printable import printable_lines
    from createflow.scenarios.text.secret_mask import without_secrets

    text = "".join(traceback.format_exception(error)).rstrip("\n")
    typer.echo(printable_lines(without_secrets(text)), err=True)
