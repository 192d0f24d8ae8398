"""``createflow stack``: look at a running stack, and disturb it."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from createflow.cli.reference_extra import reference_extra
from createflow.cli.stack_table import stack_table
from createflow.cli.state_option import DEFAULT_STATE, StateOption


class Verb(StrEnum):
    """What can be done to a running stack."""

    STATUS = "status"
    PAUSE = "pause"
    RESUME = "resume"
    KILL = "kill"
    START = "start"
    INJECT = "inject"
    HEAL = "heal"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stack")(stack)


def stack(
    verb: Annotated[
        Verb,
        typer.Argument(
            help="status; pause and resume (it hangs); kill and start (it is gone); "
            "inject and heal database-error (every write fails inside its transaction)."
        ),
    ],
    component: Annotated[
        str, typer.Argument(help="A name from `createflow stack status`, or a kind: service is all of them.")
    ] = "",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Look at a stack that `createflow up` runs in another terminal, and disturb it.

    Each command returns when it has taken effect: a component that was resumed or started answers again.
    """
    if verb is not Verb.STATUS and not component:
        raise typer.BadParameter(f"say what to {verb}; createflow stack status lists the components")
    with reference_extra():
        from createflow.reference_server.stack import control
    reply = asyncio.run(control.ask(Path(state).absolute() / "control.sock", verb, component))
    rows = reply["rows"] if verb is Verb.STATUS else [r for r in reply["rows"] if r["name"].startswith(component)]
    Console().print(stack_table(rows))
