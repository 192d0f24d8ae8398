"""Retention: what the stack keeps for a while only, so that its size follows the rate of writes, not their number."""

import asyncio
from typing import Protocol

from createflow.reference_server.domain.ports import Forgotten, UnavailableError
from createflow.reference_server.domain.progress import Progress
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.metrics import Metrics

BATCH_SIZE = 2000
EVERY_S = 5.0
PAUSE_S = 0.1
"""Between two full batches. 20,000 rows a second can be forgotten, ten times what one primary takes here."""


class Store(Protocol):
    """What is kept for a while only."""

    async def forget(self, *, keep_s: float, limit: int) -> Forgotten:
        """Delete what is older than ``keep_s``, at most ``limit`` of each kind.

        Raises:
            UnavailableError: the store does not answer.
        """


class Retention:
    """Forgets what is old. Several workers may do so at the same time: each row is deleted once."""

    def __init__(self, store: Store, keep_s: float, metrics: Metrics, log: Log) -> None:
        self._store = store
        self._keep_s = keep_s
        self._metrics = metrics
        self._log = log
        self._rounds = Progress()

    async def run(self) -> None:
        """Forget until cancelled; the database may go away and come back."""
        while True:
            try:
                is_behind = await self.forget_batch()
                self._rounds.succeeded()
            except UnavailableError as error:
                is_behind = False
                if self._rounds.failed():
                    self._log.warning("retention_waits", cause=str(error))
            await asyncio.sleep(PAUSE_S if is_behind else EVERY_S)

    async def forget_batch(self) -> bool:
        """Forget one batch; returns whether there is likely to be more that is old.

        Raises:
            UnavailableError: the store does not answer.
        """
        forgotten = await self._store.forget(keep_s=self._keep_s, limit=BATCH_SIZE)
        self._metrics.forgotten.labels(what="events").inc(forgotten.events)
        self._metrics.forgotten.labels(what="keys").inc(forgotten.keys)
        return BATCH_SIZE in {forgotten.events, forgotten.keys}
