"""A load process as its parent holds it: JSON lines over its pipes, and the end of what it wrote to stderr."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator
from typing import Self

from createflow.scenarios.load.plan.message import Document, encode

_LINE_LIMIT_BYTES = 256 * 1024 * 1024
_KEPT_LINES = 20


class Child:
    """One process; its stdin stays open, and when that closes it ends."""

    def __init__(self, process: Process) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("the load process was started without its pipes")
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)
        self._errors = asyncio.create_task(self._keep_errors())

    @classmethod
    async def start(cls, module: str) -> Self:
        """Start ``python -m module``."""
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                limit=_LINE_LIMIT_BYTES,
                start_new_session=True,  # Ctrl-C is for the parent, which lets the nodes drain
            )
        )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """Why it ended, as far as it said."""
        code = self._process.returncode
        said = self._said[-1] if self._said else "it said nothing"
        return f"its process ended with {code}: {said}" if code else f"its process ended: {said}"

    def tell(self, command: Document) -> None:
        """Send a command; a process that is gone hears nothing, which ``messages`` finds out."""
        with contextlib.suppress(OSError, RuntimeError):
            self._stdin.write(encode(command))

    async def messages(self) -> AsyncIterator[Document]:
        """What it says, until it ends."""
        while line := await self._stdout.readline():
            document: Document = json.loads(line)
            yield document
        await self._errors
        await self._process.wait()

    def kill(self) -> None:
        """At once."""
        if self._process.returncode is None:
            self._process.kill()

    async def ended(self, grace_s: float) -> None:
        """End the process: first by closing its pipe, then by force."""
        self._stdin.close()
        try:
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        self._errors.cancel()
        await asyncio.gather(self._errors, return_exceptions=True)

    async def _keep_errors(self) -> None:
        async for line in self._stderr:
            self._said.append(line.decode(errors="replace").rstrip())
