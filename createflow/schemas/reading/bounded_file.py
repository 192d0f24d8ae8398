"""Reads a file that somebody else may have chosen: only a regular one, and never more than a given size."""

import os
import stat
from pathlib import Path

from createflow.schemas.error import UserError

_SHOWN_CHARACTERS = 200


def read_bounded(path: Path, most_bytes: int, *, hint: str = "") -> bytes:
    """The content of a regular file.

    A pipe, a socket or a device is refused before anything is read: it could block for ever, or never end.

    Raises:
        UserError: there is no such file, it is not a regular file, it cannot be read, or it is larger.
    """
    shown = str(path)[:_SHOWN_CHARACTERS]
    try:
        # Without O_NONBLOCK, opening a pipe waits for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            kind = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(kind):
                what = "it is a directory" if stat.S_ISDIR(kind) else "it is not a regular file"
                raise UserError(f"{shown}: cannot be read: {what}", hint=hint)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(most_bytes + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise UserError(f"{shown}: no such file", hint=hint) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not the name of a file"
        raise UserError(f"{shown}: cannot be read: {reason}", hint=hint) from None
    if len(content) > most_bytes:
        raise UserError(f"{shown}: larger than {most_bytes} bytes", hint=hint)
    return content
