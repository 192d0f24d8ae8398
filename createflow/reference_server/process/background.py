"""Work that goes on beside a process, and ends with it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack

from createflow.reference_server.domain.port import UnavailableError

JOIN_POLL_S = 0.05
_CANCEL_AGAIN_S = 0.5


async def in_background(scope: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
    """Run it until the scope ends."""
    task = asyncio.create_task(work)

    async def end() -> None:
        # More than once: a cancellation that meets a finished wait inside a library can get lost.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_CANCEL_AGAIN_S)

    scope.push_async_callback(end)


async def until_available(attempt: Callable[[], Coroutine[None, None, None]]) -> None:
    """Try again and again while what it needs is away."""
    while True:
        try:
            return await attempt()
        except UnavailableError:
            await asyncio.sleep(JOIN_POLL_S)
