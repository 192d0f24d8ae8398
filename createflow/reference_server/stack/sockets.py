"""Unix sockets for the hops inside the machine: cheaper than loopback TCP, and no other user can connect."""

import os
from pathlib import Path

_PATH_MAX_BYTES = 107
"""What the kernel has room for, the closing zero left out."""


def socket_in(directory: Path, name: str) -> Path | None:
    """A socket's place in a directory; None when the path would be too long, and the hop has to stay on TCP."""
    path = directory / name
    return path if len(os.fsencode(path)) <= _PATH_MAX_BYTES else None
