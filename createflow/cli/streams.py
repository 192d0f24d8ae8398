"""Standard streams that cannot change how a command ends.

A reader that goes away (``createflow checks | head -1``), a full disk, a closed terminal or a stream that was closed
before the start must not cost a verdict, a report file or the clean-up. What cannot be written is dropped, and
``lost_output`` tells about it at the end.
"""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NOT_WORTH_TELLING = {errno.EPIPE, errno.EIO, errno.EBADF}
"""The reader went away: a pipe, or a terminal that was closed. Nobody is there to be told."""


class _TolerantFile(io.FileIO):
    """A file whose writes never raise. After the first error everything is dropped."""

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self.name = name
        self.error: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write the data, or drop it. Returns its whole length."""
        rest = memoryview(data).cast("B")
        while self.error is None and rest:
            try:
                written = super().write(rest)
            except OSError as error:
                self.error = error
            else:
                if written is None:  # somebody made the stream non-blocking, and its reader is slow
                    select.select([], [self], [])
                rest = rest[written or 0 :]
        return memoryview(data).nbytes


def protect_standard_streams() -> None:
    """Replace ``sys.stdout`` and ``sys.stderr`` by streams whose writes never raise.

    A descriptor that is closed leads to ``/dev/null`` from now on: otherwise the next file or socket that is opened
    would get its number, and with it our output. Characters that the encoding does not have are escaped. A stream that
    a program around this one has put in their place is left alone.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stdout is sys.__stdout__:
        sys.stdout = _tolerant(sys.stdout, 1, "<stdout>")
    if sys.stderr is sys.__stderr__:
        sys.stderr = _tolerant(sys.stderr, 2, "<stderr>")


def lost_output() -> str:
    """Why output is missing; empty if nothing is, or if its reader went away."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        error = getattr(getattr(stream.buffer, "raw", None), "error", None)
        if isinstance(error, OSError) and error.errno not in _NOT_WORTH_TELLING:
            return f"{stream.name} cannot be written: {error.strerror}"
    return ""


def _tolerant(stream: TextIO | None, descriptor: int, name: str) -> io.TextIOWrapper:
    if stream is not None:
        stream.flush()
    raw = _TolerantFile(descriptor, name)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding if stream is not None else "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor == 2 or raw.isatty(),
    )
