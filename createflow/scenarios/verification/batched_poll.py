"""One question for all samples that wait for the same slow sink, instead of one for each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.verification.sample import Sample, Seen
from createflow.schemas.clock import Clock

PAUSE_S = 0.1


@dataclass(slots=True)
class _Waiting:
    due_s: float
    told: "asyncio.Future[bool]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class SharedLook:
    """A watch that asks about everything that waits, ten times a second at the most, and only while something does."""

    def __init__(
        self,
        name: str,
        deadline_s: float,
        *,
        look: Callable[[Sequence[str]], Awaitable[Collection[str]]],
        leave: Callable[[], Awaitable[Any]],
        clock: Clock,
    ) -> None:
        """Put it together.

        Args:
            name: of the sink.
            deadline_s: how long a sample may take.
            look: which of the ids are there.
            leave: closes what ``look`` needs.
            clock: what deadlines are measured with.
        """
        self.name = name
        self.deadline_s = deadline_s
        self._look = look
        self._leave = leave
        self._clock = clock
        self._waiting: dict[str, _Waiting] = {}
        self._asking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """The first look connects."""

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._leave()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Seen]:
        """Asking does not need to begin before the create."""
        yield self._seen

    async def _seen(self, sample: Sample) -> bool:
        waiting = self._waiting[sample.resource_id] = _Waiting(self._clock.monotonic() + self.deadline_s)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            return await waiting.told
        finally:
            self._waiting.pop(sample.resource_id, None)

    async def _ask(self) -> None:
        while self._waiting:
            asked = dict(self._waiting)
            began_s = self._clock.monotonic()
            try:
                found, error = set(await self._look(list(asked))), None
            except Exception as trouble:  # noqa: BLE001 - whatever a client library raises, it is told when time is up
                found, error = set(), trouble
            for resource_id, waiting in asked.items():
                if waiting.told.done():
                    continue
                # Only a look that began after the deadline may call a sample late.
                if resource_id in found:
                    waiting.told.set_result(True)
                elif began_s >= waiting.due_s:
                    if error is None:
                        waiting.told.set_result(False)
                    else:
                        waiting.told.set_exception(error)
                else:
                    continue
                self._waiting.pop(resource_id, None)
            await self._clock.sleep(PAUSE_S)
