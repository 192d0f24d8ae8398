"""Joins what is asked for at the same time into one trip.

A system call and a round trip cost more than the work they carry. A lone request leaves at the end of the loop's turn;
those that come while it is on its way, or within the pace after it left, leave together.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Hands requests to ``carry_out`` in handfuls.

    Args:
        carry_out: answers a handful in order; an exception among the answers is raised to the one it is for.
        discard: takes back an answer that nobody waits for any more.
        most: requests in one trip.
        flights: trips at the same time.
        pace_s: least time between two departures. What leaves together arrives together and stays together on its
            further way, so a few milliseconds at the first of several trips make all of them cheaper.
    """

    def __init__(
        self,
        carry_out: Callable[[list[T]], Awaitable[Sequence[R | Exception]]],
        *,
        discard: Callable[[R], Awaitable[None]] | None = None,
        most: int = 64,
        flights: int = 1,
        pace_s: float = 0.0,
    ) -> None:
        self._carry_out = carry_out
        self._discard = discard
        self._most = most
        self._free = flights
        self._pace_s = pace_s
        self._earliest_s = 0.0
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._due = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: T) -> R:
        """The answer to one request."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._announce()
        try:
            return await future
        except asyncio.CancelledError:
            # The answer may have come in the very turn in which its receiver was told to go.
            if self._discard is not None and future.done() and not future.cancelled() and not future.exception():
                await self._discard(future.result())
            raise

    def _announce(self) -> None:
        """See that those who wait depart, once."""
        if self._due or not self._free or not self._waiting:
            return
        self._due = True
        loop = asyncio.get_running_loop()
        wait_s = self._earliest_s - loop.time()
        if wait_s > 0:
            loop.call_later(wait_s, self._depart)
        else:
            loop.call_soon(self._depart)

    def _depart(self) -> None:
        self._due = False
        if self._pace_s:
            self._earliest_s = asyncio.get_running_loop().time() + self._pace_s
        while self._waiting and self._free:
            handful = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            handful = [(item, future) for item, future in handful if not future.done()]
            if handful:
                self._free -= 1
                task = asyncio.create_task(self._fly(handful))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _fly(self, handful: list[tuple[T, asyncio.Future[R]]]) -> None:
        answers: Sequence[R | Exception]
        try:
            answers = await self._carry_out([item for item, _ in handful])
        except Exception as error:  # noqa: BLE001 - it is raised to each of them
            answers = [error] * len(handful)
        finally:
            self._free += 1
            self._announce()
        for (_, future), answer in zip(handful, answers, strict=True):
            if future.done():
                if self._discard is not None and not isinstance(answer, Exception):
                    await self._discard(answer)
            elif isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
