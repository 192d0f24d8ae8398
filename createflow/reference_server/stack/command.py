"""``python -m createflow.reference_server.stack.command VERB COMPONENT --state DIR``: what a fault of the profile runs.

It does what ``createflow stack`` does and starts in a third of the time, because it imports next to nothing: a run
sends some thirty of these. Nor does it ask for the state of the components, which takes a second when one hangs.
"""

import json
import os
import socket
import sys
from pathlib import Path

REPLY_WAIT_S = 60.0


class ShortPath:
    """A path to the socket within the kernel's limit of 107 bytes, however long the directory's path is."""

    def __init__(self, socket_file: Path) -> None:
        self._file = socket_file

    def __enter__(self) -> str:
        self._directory = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._directory}/{self._file.name}"

    def __exit__(self, *_: object) -> None:
        os.close(self._directory)


def main() -> None:
    """Send the command, and end with a message and status 1 when the stack refuses it or does not answer."""
    verb, component, _, state = sys.argv[1:]
    request = json.dumps({"do": verb, "component": component, "quiet": True}).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(REPLY_WAIT_S)
            with ShortPath(Path(state) / "control.sock") as path:
                connection.connect(path)
            connection.sendall(request)
            with connection.makefile("rb") as lines:
                reply = json.loads(lines.readline() or b'{"error": "the stack ended before it answered"}')
    except OSError as error:
        raise SystemExit(f"no stack answers in {state}: {error.strerror or error}") from None
    if "error" in reply:
        raise SystemExit(f"{reply['error']}; {reply.get('hint', '')}".rstrip("; "))


if __name__ == "__main__":
    main()
