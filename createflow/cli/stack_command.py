"""``createflow stack``: show or disturb the components of a running reference."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from createflow.cli.bundled_stack import components_table, reference_extra
from createflow.cli.options import DEFAULT_STATE, StateOption


class Verb(StrEnum):
    """The actions on a running stack."""

    STATUS = "status"
    PAUSE = "pause"
    RESUME = "resume"
    KILL = "kill"
    START = "start"
    SCALE = "scale"
    INJECT = "inject"
    HEAL = "heal"


def stack(
    verb: Annotated[
        Verb,
        typer.Argument(
            help="status; pause and resume (a paused process hangs); kill and start; "
            "scale (service=2 lets two services run, of those that createflow up --services started); "
            "inject and heal database-error (every write fails inside its transaction), "
            "replica-lag (the replicas fall behind, and the cache does not answer), "
            "late-commits (every second transaction), read-error (of the resources), "
            "search-refusal (of documents), broker-crash (it hangs and is killed), "
            "or a seeded defect of the database."
        ),
    ],
    component: Annotated[
        str, typer.Argument(help="Name from createflow stack status, or its beginning: service means all services.")
    ] = "",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Show or disturb the components of a running reference.

    createflow up must run in another terminal. Each command returns when it
    has taken effect: a resumed or started component answers again, or is
    starting because something that it needs is not there.

    Example: createflow stack pause postgres-replica-1
    """
    if verb is not Verb.STATUS and not component:
        raise typer.BadParameter(f"{verb} needs a component; createflow stack status lists them")
    with reference_extra():
        from createflow.reference_server.stack import control
    reply = asyncio.run(control.send_command(Path(state).absolute() / "control.sock", verb, component))
    named = "" if verb is Verb.STATUS else component.partition("=")[0]
    rows = [row for row in reply["rows"] if row["name"].startswith(named)]
    Console().print(components_table(rows))
