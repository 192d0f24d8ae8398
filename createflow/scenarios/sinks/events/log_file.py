"""A log file of JSON lines, read as it grows. A file that is renamed and made anew, or truncated, is followed."""

import os
import stat
from pathlib import Path

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.events.collector import MOST_EVENT_BYTES
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.sinks.sink import PublishedEvent

_PART_BYTES = 256 * 1024
_PAGE_BYTES = 4 * 1024 * 1024


class LogFileSource:
    """Fills EventSource. Each line is an event. It is read while the load runs, so that no rotation is missed.

    Args:
        path: of the file.
        key: of the profile, for messages.
    """

    keeps = False

    def __init__(self, path: str, *, key: str = "sinks.audit.path") -> None:
        self._path = Path(path)
        self._key = key
        self._file: int | None = None
        self._offset = 0
        self._rest = b""
        self._lines = 0

    @property
    def address(self) -> str:
        """The file."""
        return str(self._path)

    async def open(self) -> None:
        """Go to the end of the file, if there is one; its folder must be there."""
        if not self._path.parent.is_dir():
            raise SinkFailed(f"no folder {self._path.parent}; check {self._key}")
        await self.skip()

    async def take(self) -> list[PublishedEvent]:
        """The lines that were written since the last time."""
        found = self._read()
        if not found and self._follow():
            found = self._read()
        return found

    async def skip(self) -> None:
        """Go to the end."""
        if self._file is None:
            self._file = self._opened()
        self._offset = 0 if self._file is None else os.fstat(self._file).st_size
        self._rest = b""

    def rewind(self) -> None:
        """Do nothing: what was taken is gone."""

    async def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _read(self) -> list[PublishedEvent]:
        if self._file is None:
            return []
        found: list[PublishedEvent] = []
        size = 0
        while size < _PAGE_BYTES and (part := os.pread(self._file, _PART_BYTES, self._offset)):
            self._offset += len(part)
            size += len(part)
            *lines, self._rest = (self._rest + part).split(b"\n")
            if len(self._rest) > MOST_EVENT_BYTES:
                raise Inconclusive(f"{self._path} has a line of more than {MOST_EVENT_BYTES} bytes: too long to read")
            for line in lines:
                self._lines += 1
                if line.strip():
                    found.append(PublishedEvent(line, position=str(self._lines)))
        return found

    def _follow(self) -> bool:
        """At the end of the file: whether there is another one by its name now, or it begins anew."""
        if self._file is None:
            self._file, self._offset = self._opened(), 0
            return self._file is not None
        mine = os.fstat(self._file)
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False  # just between renaming it and making it anew
        except OSError as error:
            raise self._unreadable(error) from None
        if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino):
            is_truncated = mine.st_size < self._offset
            if is_truncated:
                self._offset, self._rest = 0, b""
            return is_truncated
        os.close(self._file)
        self._file, self._offset, self._rest = self._opened(), 0, b""
        return self._file is not None

    def _opened(self) -> int | None:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error) from None
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise SinkFailed(f"{self._path} is no regular file; check {self._key}")
        return file

    def _unreadable(self, error: OSError) -> SinkFailed:
        return SinkFailed(f"{self._path} cannot be read: {error.strerror}; check {self._key}, and its rights")
