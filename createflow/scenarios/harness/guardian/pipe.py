"""Starts a guardian process, and sends messages to it. A guardian outlives the run that started it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

MODULE = "createflow.scenarios.harness.guardian.process"
_SENDING_S = 10.0


def start_process(held: Sequence[int]) -> subprocess.Popen[bytes]:
    """A guardian. Not by asyncio, which kills its processes when the loop ends.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen(
        [sys.executable, "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # neither Ctrl-C nor the end of the terminal or of the process group ends it
        pass_fds=tuple(held),
    )


class GuardianPipe(asyncio.BaseProtocol):
    """The way to a guardian. What is sent to one that is gone is lost."""

    def __init__(self) -> None:
        self._is_closed = asyncio.Event()
        self._transport: asyncio.WriteTransport | None = None

    @classmethod
    async def to(cls, process: subprocess.Popen[bytes]) -> "GuardianPipe":
        """The pipe to a process."""
        pipe = cls()
        pipe._transport, _ = await asyncio.get_running_loop().connect_write_pipe(lambda: pipe, process.stdin)
        return pipe

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message soon, in order."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(json.dumps(message).encode() + b"\n")

    async def close(self) -> None:
        """Close it when everything was sent."""
        if self._transport is not None:
            self._transport.close()
            try:
                async with asyncio.timeout(_SENDING_S):
                    await self._is_closed.wait()
            except TimeoutError:
                self._transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        """Called by the transport."""
        self._is_closed.set()
