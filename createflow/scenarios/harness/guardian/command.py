"""Runs one command of the profile, in a session of its own and for a limited time. Light: a guardian imports it."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

COMMAND_TIMEOUT_S = 30.0
_SHOWN_CHARACTERS = 300
_SHOWN_BYTES = 4 * _SHOWN_CHARACTERS
_PART_BYTES = 64 * 1024
_POLL_S = 0.005


async def run_command(
    command: Sequence[str],
    *,
    timeout_s: float = COMMAND_TIMEOUT_S,
    in_child: Callable[[], None] | None = None,
) -> str:
    """The reason why the command failed; empty when it succeeded.

    When the time is up, or the caller is cancelled, the command is killed with everything that it started in its
    session.

    Args:
        command: and its arguments.
        timeout_s: how long it may take.
        in_child: called in its process, which leads a group of its own, before the command is executed.
    """
    try:
        # Not by asyncio, which does not tell the end of a killed process before all of its output was read.
        process = subprocess.Popen(  # noqa: ASYNC220 - it returns as soon as the command has begun
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal must not reach a heal command
            preexec_fn=in_child,  # noqa: PLW1509 - a guardian has one thread
        )
    except (OSError, ValueError) as error:
        return f"{command[0]}: {getattr(error, 'strerror', None) or error}"
    try:
        async with asyncio.timeout(timeout_s), _output_of(process) as reader:
            output = b""
            while part := await reader.read(_PART_BYTES):
                output = (output + part)[-_SHOWN_BYTES:]  # a command can print without an end
            await _ended(process)
    except TimeoutError:
        return f"{command[0]} did not end within {timeout_s:g} s"
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await _ended(process)
    if process.returncode != 0:
        text = output.decode("utf-8", "replace").strip()[-_SHOWN_CHARACTERS:]
        return f"{command[0]} ended with status {process.returncode}: {text}"
    return ""


@asynccontextmanager
async def _output_of(process: subprocess.Popen[bytes]) -> AsyncIterator[asyncio.StreamReader]:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
    try:
        yield reader
    finally:
        transport.close()


async def _ended(process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        await asyncio.sleep(_POLL_S)
