"""Sends requests that arrive at the same time as one batch.

A system call and a round trip cost more than the work they carry. A lone request is sent at the end of the event loop's
turn. Requests that arrive while a batch is on its way, or within the least interval after it, form the next batch.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Passes requests to ``send`` in batches.

    Args:
        send: answers a batch in its order; an exception among the answers is raised to the request that it is for.
        discard: takes back an answer whose receiver has gone.
        batch_max: requests in one batch.
        in_flight_max: batches at the same time.
        interval_s: least time between two batches. Requests that are sent together stay together in the later steps, so
            a few milliseconds at the first of several batchers make all of them cheaper.
    """

    def __init__(
        self,
        send: Callable[[list[T]], Awaitable[Sequence[R | Exception]]],
        *,
        discard: Callable[[R], Awaitable[None]] | None = None,
        batch_max: int = 64,
        in_flight_max: int = 1,
        interval_s: float = 0.0,
    ) -> None:
        self._send = send
        self._discard = discard
        self._batch_max = batch_max
        self._free_slots = in_flight_max
        self._interval_s = interval_s
        self._next_start_s = 0.0
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._is_scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: T) -> R:
        """Return the answer to one request."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._schedule()
        try:
            return await future
        except asyncio.CancelledError:
            # The answer may have arrived in the same turn in which its receiver was cancelled.
            if self._discard is not None and future.done() and not future.cancelled() and not future.exception():
                await self._discard(future.result())
            raise

    def _schedule(self) -> None:
        """Schedule the next start, unless one is scheduled already."""
        if self._is_scheduled or not self._free_slots or not self._waiting:
            return
        self._is_scheduled = True
        loop = asyncio.get_running_loop()
        wait_s = self._next_start_s - loop.time()
        if wait_s > 0:
            loop.call_later(wait_s, self._start_batches)
        else:
            loop.call_soon(self._start_batches)

    def _start_batches(self) -> None:
        self._is_scheduled = False
        if self._interval_s:
            self._next_start_s = asyncio.get_running_loop().time() + self._interval_s
        while self._waiting and self._free_slots:
            batch = [self._waiting.popleft() for _ in range(min(self._batch_max, len(self._waiting)))]
            batch = [(item, future) for item, future in batch if not future.done()]
            if batch:
                self._free_slots -= 1
                task = asyncio.create_task(self._run_batch(batch))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _run_batch(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        answers: Sequence[R | Exception]
        unwanted: list[R] = []
        try:
            answers = await self._send([item for item, _ in batch])
            if len(answers) != len(batch):
                # Which answer belongs to which request is not known, so none is used.
                unwanted += [answer for answer in answers if not isinstance(answer, Exception)]
                raise RuntimeError(f"{len(answers)} answers to a batch of {len(batch)}")  # noqa: TRY301 - to all of them
        except Exception as error:  # noqa: BLE001 - raised to each request of the batch
            answers = [error] * len(batch)
        finally:
            self._free_slots += 1
            self._schedule()
        for (_, future), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                if not future.done():
                    future.set_exception(answer)
            elif future.done():
                unwanted.append(answer)
            else:
                future.set_result(answer)
        if self._discard is not None:
            # After every request has its answer: one that cannot be taken back must not keep the others waiting.
            for answer in unwanted:
                await self._discard(answer)
