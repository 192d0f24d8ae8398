"""A load process as its parent sees it, and a worker on this machine for a master on another."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Self

from createflow.scenarios.load.fleet.orphans import Orphans
from createflow.scenarios.load.plan.messages import MAX_MESSAGE_BYTES, Document, MessageRefused, decode_line, encode
from createflow.schemas.error import TargetError

WORKER_MODULE = "createflow.scenarios.load.node.worker"
MASTER_MODULE = "createflow.scenarios.load.node.master"
_MAX_LINE_BYTES = 2 * MAX_MESSAGE_BYTES + 1024
"""The master passes messages on as text inside of messages."""
_MAX_ERROR_CHARACTERS = 500
_KEPT_LINES = 20
_JOIN_TIMEOUT_S = 60.0
_GRACE_S = 2.0


class ChildProcess:
    """One process, with JSON lines over its pipes. It ends when its stdin is closed."""

    def __init__(self, process: Process) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("the load process was started without its pipes")
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self._last_lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._errors = asyncio.create_task(self._keep_errors())
        self._refusal = ""

    @classmethod
    async def start(cls, module: str, *files: int) -> Self:
        """Start ``python -m module``, with open files that it gets by their numbers."""
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                *map(str, files),
                pass_fds=files,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                limit=_MAX_LINE_BYTES,
                start_new_session=True,  # Ctrl-C goes to the parent alone, which lets the workers drain
            )
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_reason(self) -> str:
        """Why the process ended: its exit code and the last line that it wrote to stderr."""
        if self._refusal:
            return f"its process was ended, because it sent {self._refusal}"
        code = self._process.returncode
        line = self._last_lines[-1] if self._last_lines else "no error output"
        return f"its process ended with {code}: {line}" if code else f"its process ended: {line}"

    def send(self, command: Document) -> None:
        """Send a command. Does nothing if the process has ended; ``messages`` then ends too."""
        with contextlib.suppress(OSError, RuntimeError):
            self._stdin.write(encode(command))

    async def messages(self) -> AsyncIterator[Document]:
        """The messages of the process, until it ends. One that sends something else is killed."""
        try:
            while line := await self._read_line():
                yield decode_line(line)
        except MessageRefused as refusal:
            self._refusal = str(refusal)
            self.kill()
        await self._errors
        await self._process.wait()

    async def _read_line(self) -> bytes:
        try:
            return await self._stdout.readline()
        except ValueError:
            raise MessageRefused(f"a message of more than {_MAX_LINE_BYTES} bytes") from None

    def end(self) -> None:
        """Have the process end soon, as when its parent is gone."""
        self._stdin.close()

    def kill(self) -> None:
        """Kill the process at once."""
        if self._process.returncode is None:
            self._process.kill()

    async def stop(self, grace_s: float) -> None:
        """Close the pipe and wait for the end of the process; kill it after ``grace_s``."""
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
        while True:
            try:
                line = await self._stderr.readline()
            except ValueError:
                continue  # too long: the reader has dropped it
            if not line:
                return
            self._last_lines.append(line.decode(errors="replace").rstrip()[:_MAX_ERROR_CHARACTERS])


async def join_master(host: str, port: int, on_message: Callable[[str], None]) -> None:
    """Start a worker that joins a master on another machine, and wait until it has done its part of one run.

    Args:
        host: where the master listens.
        port: where the master listens.
        on_message: called with progress messages.

    Raises:
        TargetError: there is no master at this address, or the worker ended early.
    """
    address = f"{host}:{port}"
    on_message(f"waiting for the load master at {address}")
    child, orphans = await ChildProcess.start(WORKER_MODULE), Orphans()
    try:
        child.send({"master": {"host": host, "port": port}})
        messages = child.messages()
        try:
            async with asyncio.timeout(_JOIN_TIMEOUT_S):
                joined = await anext(messages, None)
        except TimeoutError:
            raise TargetError(
                address, f"no master within {_JOIN_TIMEOUT_S:g} s", hint="start createflow bench --master there first"
            ) from None
        if joined is None:
            raise TargetError(address, child.exit_reason)
        on_message(f"joined the load master at {address}")
        done = False
        async for message in messages:
            if "started" in message:
                on_message("the load starts")
            done = done or "done" in message
            orphans.take(message)
        if told := await orphans.remove():
            on_message(told)
        if not done:
            raise TargetError(address, child.exit_reason)
        on_message("done")
    finally:
        await child.stop(_GRACE_S)
