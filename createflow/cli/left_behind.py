"""What earlier commands left because they were killed: it is told, and stacks of ours are removed."""

import fcntl
import os
import shlex
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from createflow.scenarios.harness.guardian.records import Record

_STACK_PREFIX = "createflow-stack-"
_MARKER = "owner"
"""Made by ``stack_directory`` and locked as long as its process lives."""
_MOST_SHOWN = 20


def tell_what_was_left() -> None:
    """Tell on stderr what the guardians of killed runs did, and remove the stacks that killed commands left."""
    # Here: a fault command starts this program often, and needs only the stack's part of this module.
    from createflow.scenarios.harness.guardian.records import take_left_records

    lines = [line for record in take_left_records() for line in describe_record(record)]
    lines += [f"removed the stack that a killed command left in {path}" for path in remove_left_stacks()]
    if lines:
        from createflow.scenarios.reports.format.text import one_line

        for line in lines:
            typer.echo(one_line(f"createflow: {line}"), err=True)


def describe_record(record: "Record") -> list[str]:
    """What became of a run that was killed, in a few lines."""
    how = "ended before all was removed" if record.is_handed_over else "was killed"
    lines = [f"an earlier {record.command} {how}: {record.run_id}, started {record.started_at}, {record.target}"]
    if not record.has_ended:
        lines[0] += "; its guardian was killed" if record.is_handed_over else "; so was its guardian"
    if record.healed:
        lines.append(f"  its guardian healed {', '.join(record.healed)}")
    for name, command in record.faults.items():
        problem = f": {record.not_healed[name]}" if name in record.not_healed else ""
        lines.append(f"  {name} may still be injected{problem}")
        lines.append(f"    heal it: {shlex.join(map(str, command))}")
    if record.created:
        lines.append(f"  of {record.created} resources that it created, {record.removed} were removed")
    shown = record.left_behind[:_MOST_SHOWN]
    lines += [f"  still there: {left}" for left in shown]
    if len(record.left_behind) > len(shown):
        lines.append(f"  and {len(record.left_behind) - len(shown)} more")
    return lines


@contextmanager
def stack_directory() -> Iterator[Path]:
    """A temporary directory for a stack, marked as ours and as in use."""
    with tempfile.TemporaryDirectory(prefix=_STACK_PREFIX, ignore_cleanup_errors=True) as name:
        directory = Path(name)
        marker = os.open(directory / _MARKER, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
            directory.chmod(0o711)  # PostgreSQL's user must be able to pass
            yield directory
        finally:
            os.close(marker)


def remove_left_stacks() -> list[Path]:
    """Remove the stacks of commands that were killed, with their keys. Returns their directories.

    Only what is ours: a directory of this user with our marker, which nobody locks and where no process runs.
    """
    found = []
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{_STACK_PREFIX}*")):
        try:
            marker = _open_marker(path)
        except OSError:
            continue
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _runs_something(path):
                _remove(path)
                found.append(path)
        except OSError:  # in use
            continue
        finally:
            os.close(marker)
    return found


def _open_marker(path: Path) -> int:
    """The open marker of a directory that is ours.

    Raises:
        OSError: it is not.
    """
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        marker = os.open(_MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
        statuses = (os.fstat(directory), os.fstat(marker))
        if any(status.st_uid != os.geteuid() for status in statuses) or not stat.S_ISREG(statuses[1].st_mode):
            os.close(marker)
            raise PermissionError(str(path))
        return marker
    finally:
        os.close(directory)


def _runs_something(path: Path) -> bool:
    """Whether a process works in the directory or writes a log there. Those of others cannot be seen."""
    root = str(path.resolve())
    for process in Path("/proc").glob("[0-9]*"):
        for link in ("cwd", "fd/2"):
            with suppress(OSError):
                if (process / link).readlink().is_relative_to(root):
                    return True
    return False


def _remove(path: Path) -> None:
    # The links in it are the stack's: they name directories that PostgreSQL's user could reach.
    for link in (path / "state" / "run").glob("*"):
        if link.is_symlink():
            outside = link.resolve()
            if outside.is_relative_to(tempfile.gettempdir()) and outside.is_dir():
                shutil.rmtree(outside, ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)
