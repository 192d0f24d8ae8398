"""The owner's side of the guardian: the pipe that it waits on."""

import os
import subprocess
import sys

from createflow.reference_server.stack import guardian
from createflow.reference_server.stack.state import State


class Guarded:
    """Runs the guardian for as long as the block, and lets it finish off what the block leaves."""

    def __init__(self, state: State) -> None:
        self._arguments = [str(state.run), str(state.logs), "--remove", *map(str, state.outside())]

    def __enter__(self) -> None:
        reader, self._writer = os.pipe2(os.O_CLOEXEC)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(guardian.__file__), *self._arguments],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(reader)

    def __exit__(self, *_: object) -> None:
        os.close(self._writer)
        self._process.wait()
