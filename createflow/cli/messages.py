"""Messages to the user on stderr. Nothing in their text is taken for markup or for a command to the terminal."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console


def print_message(console: "Console", text: str) -> None:
    """Print the text as it is: unwrapped, without markup and highlighting."""
    console.print(text, soft_wrap=True, highlight=False, markup=False)


def print_error(message: str, hint: str = "") -> None:
    """Print why a command failed, and what to do about it. Both may quote a target or a document."""
    # Here: a command that succeeds needs nothing of the tester.
    from createflow.scenarios.reports.format.text import one_line

    text = f"createflow: {message}" + (f"\n  hint: {hint}" if hint else "")
    for line in text.split("\n"):
        typer.echo(one_line(line), err=True)
