"""One file for each guarded run in the state folder of the user: what is at stake, and what its guardian did.

The guardian writes the file and locks it as long as it lives, so that others see whether it does. A run that ends in
order removes its file. The next command reads those that are left, tells of them, and removes them. Imports nothing
that costs time.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from createflow.scenarios.harness.state_folder import private_folder

_FOLDER = "runs"
_MOST_BYTES = 256 * 1024
MOST_LISTED = 200
_MOST_FILES = 100


@dataclass(slots=True)
class Record:
    """What others can know about a run. It holds no secret."""

    run_id: str
    command: str
    pid: int
    started_at: str
    target: str
    faults: dict[str, list[str]] = field(default_factory=dict)
    """The faults that are injected now, each with the command that heals it."""
    created: int = 0
    """How many resources the guardian knows of."""
    has_ended: bool = False
    """The run was gone, and its guardian has done what follows."""
    is_handed_over: bool = False
    """The run was not killed: it ended early, and said that it left the rest to its guardian."""
    healed: list[str] = field(default_factory=list)
    not_healed: dict[str, str] = field(default_factory=dict)
    """The faults that are still in, each with the reason."""
    removed: int = 0
    left_behind: list[str] = field(default_factory=list)
    """The resources that are still there, as far as they are listed, and tear-down requests that failed."""

    @property
    def is_worth_telling(self) -> bool:
        """Something was at stake."""
        return bool(
            self.faults or self.healed or self.not_healed or self.created or self.left_behind or self.is_handed_over
        )


class RecordFile:
    """The file of one run, open and locked."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path

    @classmethod
    def create(cls, record: Record) -> "RecordFile | None":
        """Create and lock the file. None: it cannot be written, which costs the run nothing else."""
        try:
            folder = private_folder(_FOLDER)
            hidden = folder / f".{record.run_id}-{os.getpid()}"
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = cls(os.open(hidden, flags, 0o600), folder / f"{record.run_id}-{os.getpid()}.json")
            fcntl.flock(file._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.write(record)
            # Only now: whoever finds a file that is not locked takes its guardian for dead.
            hidden.rename(file._path)
        except (OSError, RuntimeError):
            return None
        return file

    def write(self, record: Record) -> None:
        """Replace the content."""
        with suppress(OSError):
            shown = asdict(record) | {"left_behind": record.left_behind[:MOST_LISTED]}
            data = json.dumps(shown).encode()
            os.pwrite(self._descriptor, data, 0)
            os.ftruncate(self._descriptor, len(data))

    def remove(self) -> None:
        """Remove and unlock the file."""
        with suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)


def take_left_records() -> Iterator[Record]:
    """The records of guardians that live no more, each once: its file is removed when it was told."""
    try:
        folder = private_folder(_FOLDER)
        paths = sorted(folder.glob("*.json"))[:_MOST_FILES]
    except (OSError, RuntimeError):
        return
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            record = _record_of(os.read(descriptor, _MOST_BYTES))
            if record is not None and record.is_worth_telling:
                yield record
            path.unlink(missing_ok=True)
        except OSError:  # its guardian is alive
            continue
        finally:
            os.close(descriptor)


def _record_of(data: bytes) -> Record | None:
    """The record; None for what is none."""
    try:
        values: Any = json.loads(data)
        record = Record(**{one.name: values[one.name] for one in fields(Record) if one.name in values})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_valid = all(isinstance(getattr(record, one.name), _TYPES[one.name]) for one in fields(Record))
    return record if is_valid and _has_texts(record) else None


def _has_texts(record: Record) -> bool:
    """Whether its lists are lists of texts."""
    commands = list(record.faults.values())
    words = [word for command in commands if isinstance(command, list) for word in command]
    texts = [*words, *record.healed, *record.not_healed.values(), *record.left_behind]
    return all(isinstance(command, list) for command in commands) and all(isinstance(text, str) for text in texts)


_TYPES: dict[str, type] = {
    "run_id": str,
    "command": str,
    "pid": int,
    "started_at": str,
    "target": str,
    "faults": dict,
    "created": int,
    "has_ended": bool,
    "is_handed_over": bool,
    "healed": list,
    "not_healed": dict,
    "removed": int,
    "left_behind": list,
}
