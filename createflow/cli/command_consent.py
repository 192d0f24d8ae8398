"""The consent to run the commands of a profile.

A profile can come from anybody, and its commands run with the rights of the user. So they run only when createflow
wrote it itself (``createflow up``), when somebody confirmed them on a terminal, or with ``--allow-commands``. A
confirmation is kept in the state directory of the user, as a hash of the path of the profile, the key and the command:
a changed command, or the same command in another file, is shown again.
"""

import hashlib
import json
import os
import shlex
import stat
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import typer

from createflow.cli.messages import is_confirmed, is_on_terminal
from createflow.scenarios.harness.state_folder import state_folder
from createflow.schemas.error import UserError

Commands = Mapping[str, tuple[str, ...]]
"""The key of the profile, and the argument list as it was written."""

_FILE_NAME = "confirmed-commands"
_MOST_KEPT = 2000
_MOST_BYTES = 80 * _MOST_KEPT
_MOST_NAMED = 8


def require_consent(profile: Path, commands: Commands, *, is_allowed: bool) -> None:
    """Return when the commands may run; ask for it on a terminal.

    Args:
        profile: the file that holds the commands.
        commands: those that this call of createflow may run.
        is_allowed: ``--allow-commands`` was given.

    Raises:
        UserError: nobody consented.
    """
    if is_allowed:
        return
    confirmed = set(_confirmed())
    pending = {key: command for key, command in commands.items() if _hash(profile, key, command) not in confirmed}
    if not pending:
        return
    if not is_on_terminal():
        more = f" and {len(pending) - _MOST_NAMED} more" if len(pending) > _MOST_NAMED else ""
        raise UserError(
            f"{profile}: the profile contains commands that nobody has confirmed: "
            f"{', '.join(list(pending)[:_MOST_NAMED])}{more}",
            hint="read them; then give --allow-commands, or run createflow on a terminal, which asks once",
        )
    _show(profile, pending)
    if not is_confirmed("Run these commands, now and in later runs?"):
        raise UserError(f"{profile}: its commands were not confirmed", hint="take out what must not run")
    remember_consent(profile, pending)


def remember_consent(profile: Path, commands: Commands) -> None:
    """Keep a consent. Where it cannot be kept, the next run asks again."""
    new = [_hash(profile, key, command) for key, command in commands.items()]
    with suppress(OSError):
        _write(_state_file(), [*(one for one in _confirmed() if one not in new), *new])


def _show(profile: Path, commands: Commands) -> None:
    # Here: a run without commands needs nothing of the reports.
    from createflow.scenarios.reports.format.text import one_line

    typer.echo(one_line(f"{profile} contains commands. They would run on this machine, with your rights:"), err=True)
    for key, command in commands.items():
        typer.echo(one_line(f"  {key}: {shlex.join(command)}"), err=True)


def _hash(profile: Path, key: str, command: Iterable[str]) -> str:
    text = json.dumps([str(profile.resolve()), key, *command])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _state_file() -> Path:
    return state_folder() / _FILE_NAME


def _confirmed() -> list[str]:
    """The kept hashes, the oldest first. A file that others could have written counts for nothing."""
    try:
        descriptor = os.open(_state_file(), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, RuntimeError):  # RuntimeError: the user has no home directory
        return []
    try:
        status = os.fstat(descriptor)
        is_ours = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not is_ours or not stat.S_ISREG(status.st_mode):
            return []
        return os.read(descriptor, _MOST_BYTES).decode("ascii", "replace").split()
    finally:
        os.close(descriptor)


def _write(path: Path, hashes: list[str]) -> None:
    """Replace the file as a whole; it is readable by its owner only, from the first byte."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{_FILE_NAME}.")  # mkstemp creates it with 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(f"{one}\n" for one in hashes[-_MOST_KEPT:])
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
