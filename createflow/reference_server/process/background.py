"""The tasks that a process runs in the background. One that ends, ends the process: none lives on and is useless."""

import asyncio
from collections.abc import Collection, Coroutine
from contextlib import AsyncExitStack

from createflow.reference_server.process.http_server import DrainState
from createflow.reference_server.process.log import Log

_CANCEL_AGAIN_S = 0.5


class Background:
    """Runs tasks until the scope ends.

    A task that raises is logged and named by /readyz. Then the process ends with status 1, and the stack starts it
    again: what the task did would not be done any more, and nobody would see it.
    """

    def __init__(self, scope: AsyncExitStack, drain: DrainState, log: Log) -> None:
        self._scope = scope
        self._drain = drain
        self._log = log
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, work: Coroutine[None, None, None], *, ends: bool = False) -> None:
        """Run a coroutine.

        Args:
            name: of the task, for the log and /readyz.
            work: what to run.
            ends: whether it may return. One that may not is missed when it does.
        """
        task = self._tasks[name] = asyncio.create_task(self._run(name, work, ends=ends))

        async def end() -> None:
            # More than once: a cancellation can get lost when it meets a finished wait inside a library.
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=_CANCEL_AGAIN_S)

        self._scope.push_async_callback(end)

    async def finish(self, names: Collection[str], *, within_s: float) -> None:
        """Wait for tasks that were told to end. Those that do not end in time are cancelled later on."""
        await asyncio.wait([self._tasks[name] for name in names], timeout=within_s)

    async def _run(self, name: str, work: Coroutine[None, None, None], *, ends: bool) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 - whatever it is, the process cannot go on without the task
            self._log.exception("background_task_failed", task=name)
        else:
            if ends or self._drain.is_draining:
                return
            self._log.error("background_task_ended", task=name)
        self._drain.fail(name)
