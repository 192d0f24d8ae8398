"""Runs one command of the profile, in a session of its own and for a limited time. Light: a guardian imports it."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress

COMMAND_TIMEOUT_S = 30.0
_SHOWN_CHARACTERS = 300


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
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal must not reach a heal command
            preexec_fn=in_child,
        )
    except (OSError, ValueError) as error:
        return f"{command[0]}: {getattr(error, 'strerror', None) or error}"
    try:
        async with asyncio.timeout(timeout_s):
            output, _ = await process.communicate()
    except TimeoutError:
        return f"{command[0]} did not end within {timeout_s:g} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        text = output.decode("utf-8", "replace").strip()[-_SHOWN_CHARACTERS:]
        return f"{command[0]} ended with status {process.returncode}: {text}"
    return ""
