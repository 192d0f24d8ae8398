"""Where createflow keeps what it remembers between two commands of one user. Imports nothing that costs time."""

import os
import stat
from pathlib import Path


def state_folder() -> Path:
    """The folder; it need not exist.

    Raises:
        RuntimeError: the user has no home directory.
    """
    # XDG Base Directory Specification: a relative path in the variable is to be ignored.
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local" / "state") / "createflow"


def private_folder(name: str) -> Path:
    """A folder in it that only this user can read; it is made if need be.

    Raises:
        OSError: it cannot be made, or others could have written in it.
        RuntimeError: the user has no home directory.
    """
    folder = state_folder() / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{folder} can be written by others")
    return folder
