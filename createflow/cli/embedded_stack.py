"""The bundled stack for the length of one command, in a directory that goes with it."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from createflow.cli.reference_extra import reference_extra

if TYPE_CHECKING:  # the extra may not be installed
    from createflow.reference_server.stack.stack import RunningStack


@asynccontextmanager
async def running_stack(on_death: Callable[[str], None]) -> "AsyncIterator[RunningStack]":
    """Start the bundled stack, give it when it is ready, stop it and take its directory away.

    Args:
        on_death: told in words when a component ends by itself.

    Raises:
        UserError: the extra ``reference`` is not installed.
        TargetError: a component did not start.
    """
    with reference_extra():
        from createflow.reference_server.stack import stack
        from createflow.reference_server.stack.options import StackOptions
    typer.echo("starting the bundled stack ...", err=True)
    with tempfile.TemporaryDirectory(prefix="createflow-stack-") as directory:
        Path(directory).chmod(0o711)  # PostgreSQL's user must be able to pass
        async with stack.running_stack(
            Path(directory) / "state",
            StackOptions(),
            on_death=lambda death: on_death(death.describe()),
        ) as running:
            yield running
