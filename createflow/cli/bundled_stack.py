"""The bundled stack: started for one command, and shown as a table of components."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table
from rich.text import Text

from createflow.cli.left_behind import stack_directory
from createflow.schemas.error import UserError

if TYPE_CHECKING:  # the extra may not be installed
    from createflow.reference_server.stack.stack import RunningStack

_COLOURS = {"ready": "green", "not ready": "yellow", "paused": "yellow", "killed": "red", "died": "bold red"}


@contextmanager
def reference_extra() -> Iterator[None]:
    """Around an import of the reference: reports a missing package with what to do.

    Raises:
        UserError: the extra ``reference`` is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("createflow"):
            raise
        raise UserError(
            f"the bundled stack needs the module {error.name}, which is not installed",
            hint="pip install 'createflow[reference]'; or test your own deployment with --profile FILE or --url URL",
        ) from error


@asynccontextmanager
async def run_bundled_stack(
    on_death: Callable[[str], None], *, keeps_all: bool = False
) -> "AsyncIterator[RunningStack]":
    """Run the reference in a temporary directory that is removed afterwards.

    Args:
        on_death: called with a message when a component ends by itself.
        keeps_all: promise also what ``createflow up`` promises on request only, so that no check is skipped.

    Raises:
        UserError: the extra ``reference`` is not installed.
        TargetError: a component did not start.
    """
    with reference_extra():
        from createflow.reference_server.stack import stack
        from createflow.reference_server.stack.options import StackOptions
    typer.echo("starting the bundled stack ...", err=True)
    with stack_directory() as directory:
        async with stack.running_stack(
            directory / "state",
            StackOptions(private=keeps_all, unique_names=keeps_all, conditional_updates=keeps_all),
            on_exit=lambda ended: on_death(ended.describe()),
            is_kept=False,
        ) as running:
            yield running


def components_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One row for each component: name, address, state, process."""
    # Here: a run calls createflow stack many times, which needs nothing of the tester until it shows this.
    from createflow.scenarios.text.printable import foldable

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, key in (("component", "name"), ("address", "address"), ("state", "status")):
        # A narrow terminal may cut the note, never these.
        table.add_column(heading, no_wrap=True, min_width=max((len(row[key]) for row in rows), default=0))
    table.add_column("pid", justify="right", no_wrap=True, min_width=7)
    table.add_column("", overflow="ellipsis", no_wrap=True, style="dim")
    for row in rows:
        colour = _COLOURS.get(row["status"], "")
        cells = (row["name"], row["address"], row["status"], str(row["pid"] or "-"), row["note"])
        name, address, status, pid, note = (Text(foldable(cell)) for cell in cells)
        status.stylize(colour)
        table.add_row(name, address, status, pid, note)
    return table
