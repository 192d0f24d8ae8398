"""``--bodies FOLDER``: the files with the long bodies of findings."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from createflow.cli.report_output import create_private
from createflow.schemas.error import UserError

if TYPE_CHECKING:
    from createflow.scenarios.conformance.long_bodies import LongBody

BodiesOption = Annotated[
    Path | None,
    typer.Option(
        "--bodies",
        metavar="FOLDER",
        help="Write bodies that a finding shows only in part into this folder: CHECK.TRACE.request and .response.",
    ),
]


def prepare_folder(folder: Path) -> None:
    """Make the folder, if it is not there.

    Raises:
        UserError: it cannot be made or written to.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: the folder cannot be made: {error.strerror}", hint="--bodies FOLDER") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{folder}: the folder cannot be written to", hint="--bodies FOLDER")


def write_bodies(folder: Path, bodies: Iterable["LongBody"]) -> int:
    """Write each body into a file that its owner alone can read. One of an earlier run is replaced.

    Returns:
        How many were written.

    Raises:
        UserError: the disk is full, or the folder is gone.
    """
    count = 0
    try:
        for body in bodies:
            file = folder / body.name
            with suppress(FileNotFoundError):
                file.unlink()
            with os.fdopen(create_private(file), "wb") as stream:
                stream.write(body.content)
            count += 1
    except OSError as error:
        raise UserError(f"{folder}: a body cannot be written: {error.strerror}") from None
    return count
