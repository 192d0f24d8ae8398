"""The state directory of a stack: profile, keys, settings, logs and data."""

import fcntl
import os
import shutil
from pathlib import Path

from createflow.reference_server.process.private_file import write_private
from createflow.schemas.error import UserError

_FREE_NEEDED_BYTES = 512 * 1024 * 1024


class State:
    """Owns the directory for the lifetime of one stack.

    Each start empties it, because a test of the bundled stack begins without data. The names are fixed, so that other
    commands find the files.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.profile_file = self.root / "profile.toml"
        self.keys = self.root / "keys"
        self.join = self.root / "join"
        self.logs = self.root / "logs"
        self.run = self.root / "run"
        self.control_socket = self.root / "control.sock"
        self._lock = -1

    def open(self) -> None:
        """Lock the directory and empty it.

        Raises:
            UserError: another stack uses it, it holds other files or cannot be written, or the disk is full.
        """
        try:
            # 0711, because PostgreSQL's user must be able to enter; files with secrets are 0600.
            self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
            self._lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UserError(
                f"the state directory {self.root} cannot be used: {error.strerror}",
                hint="choose another: --state DIR",
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise UserError(
                f"another createflow up uses the state directory {self.root}",
                hint=f"test that stack: createflow run --profile {self.profile_file}; "
                "or start a second one: --state DIR",
            ) from None
        free = shutil.disk_usage(self.root).free
        if free < _FREE_NEEDED_BYTES:
            raise UserError(
                f"the disk of {self.root} has {free // 2**20} MiB left, the stack needs {_FREE_NEEDED_BYTES // 2**20}",
                hint="free some space, or choose another disk: --state DIR",
            )
        self._clear()
        self.logs.mkdir()
        self.run.mkdir(mode=0o711)
        self.keys.mkdir(mode=0o700)

    def close(self, *, remove: bool) -> None:
        """Unlock the directory and leave its logs; with ``remove``, delete it."""
        for directory in self.outside_directories():
            shutil.rmtree(directory, ignore_errors=True)
        if remove:
            self._clear()
            shutil.rmtree(self.root, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def write_secret(self, path: Path, text: str) -> Path:
        """Write a file that only this user can read, from its first byte on; returns its path."""
        return write_private(path, text)

    def outside_directories(self) -> list[Path]:
        """Return the directories that were made elsewhere, because PostgreSQL's user cannot enter this one.

        The links to them are ours, so nobody else chose their targets.
        """
        return [path.resolve() for path in self.run.glob("*") if path.is_symlink()]

    def _clear(self) -> None:
        """Delete what an earlier stack left, and nothing else.

        A directory with other files is most likely a mistyped ``--state``.

        Raises:
            UserError: it holds other files.
        """
        ours = {"lock", "profile.toml", "keys", "join", "logs", "run", "control.sock"}
        others = sorted(entry.name for entry in self.root.iterdir() if entry.name not in ours)
        if others:
            raise UserError(
                f"the state directory {self.root} holds other files, for example {others[0]}",
                hint="choose an empty or new one: --state DIR",
            )
        for directory in self.outside_directories():
            shutil.rmtree(directory, ignore_errors=True)
        for name in ours - {"lock"}:
            path = self.root / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
