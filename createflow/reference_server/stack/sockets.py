"""Unix sockets for the hops inside the machine: cheaper than loopback TCP, and no other user can connect."""

import os
from pathlib import Path

_PATH_MAX_BYTES = 97
"""The kernel has room for 107; HAProxy wants ten of them for names of its own."""


def socket_in(directory: Path, name: str) -> Path | None:
    """A socket's place in a directory; None when the path would be too long, and the hop stays on TCP."""
    path = directory / name
    return path if len(os.fsencode(path)) <= _PATH_MAX_BYTES else None
