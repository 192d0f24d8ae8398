"""Files with secrets: only this user can read them, from their first byte on and whatever the umask."""

import os
from pathlib import Path


def open_private(path: Path) -> int:
    """A descriptor to write an empty file. No link is followed: the directory may belong to another user.

    An old file with more permissions loses them, and its content, before anything is written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    os.ftruncate(descriptor, 0)
    return descriptor


def write_private(path: Path, text: str) -> Path:
    """Write the text to the file; returns its path."""
    with os.fdopen(open_private(path), "w", encoding="utf-8") as file:
        file.write(text)
    return path
