"""Ends a command whose guardian was killed under it: nobody else would, and what it injects late would stay."""

import asyncio
import os
import signal
import time
from contextlib import suppress

_GRACE_S = 2.0
"""So long it may go on: what is done half is harder to heal."""
_POLL_S = 0.02


async def end_orphan(group: int) -> None:
    """Return when no process of the command's session is left; those that take long are killed."""
    give_up = time.monotonic() + _GRACE_S
    while _is_alive(group):
        if time.monotonic() > give_up:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
            return
        await asyncio.sleep(_POLL_S)


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
