"""Step 9, after the commit: the outbox becomes events, each at least once and in the order of the commits."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from createflow.reference_server.domain.outbox import OutboxRow, event_of
from createflow.reference_server.domain.port import UnavailableError
from createflow.reference_server.process.metrics import Metrics

BATCH = 500
POLL_S = 0.1
"""Safety net: rows are found without a nudge, too, and rows held back by a running transaction."""
PACE_S = 0.05
"""Least time between two batches, so that a steady flow is published in handfuls."""
RETRY_S = 0.2
KEEP_S = 24 * 3600.0
PRUNE_EVERY_S = 5.0
PRUNE_BATCH = 1000


class Outbox(Protocol):
    """The rows to publish."""

    async def lead(self) -> bool:
        """Become the leader if there is none."""

    async def close(self) -> None:
        """Give the leadership up."""

    async def batch(self, limit: int) -> Sequence[OutboxRow]:
        """The next rows in order."""

    async def advance(self, row: OutboxRow) -> None:
        """Everything up to this row is published."""

    async def prune(self, keep_s: float, limit: int) -> None:
        """Delete some published rows that are older."""


class EventStream(Protocol):
    """Where events go."""

    async def publish(self, events: Sequence[tuple[str, str, bytes]]) -> int:
        """Publish (type, id, event); how many from the start on are acknowledged without a gap."""


class Relay:
    """Moves rows from the outbox to the stream."""

    def __init__(
        self,
        outbox: Outbox,
        stream: EventStream,
        metrics: Metrics,
        compose: Callable[[OutboxRow], bytes] = event_of,
    ) -> None:
        self._outbox = outbox
        self._stream = stream
        self._metrics = metrics
        self._compose = compose
        self._wake = asyncio.Event()
        self._pruned_at = time.monotonic()

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    async def run(self) -> None:
        """Relay for ever, through restarts of everything."""
        try:
            while True:
                try:
                    await self._lead_on()
                except UnavailableError:
                    await asyncio.sleep(RETRY_S)
        finally:
            await self._outbox.close()

    async def _lead_on(self) -> None:
        while not await self._outbox.lead():
            await asyncio.sleep(RETRY_S)
        while True:
            full = await self.step()
            if not full:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_S)
                await asyncio.sleep(PACE_S)
            if time.monotonic() - self._pruned_at > PRUNE_EVERY_S:
                self._pruned_at = time.monotonic()
                await self._outbox.prune(KEEP_S, PRUNE_BATCH)

    async def step(self) -> bool:
        """Publish one batch; whether there is more at once.

        Raises:
            UnavailableError: the database or the stream does not answer.
        """
        self._wake.clear()
        rows = await self._outbox.batch(BATCH)
        if not rows:
            return False
        events = [(row.type, row.event_id, self._compose(row)) for row in rows]
        acknowledged = await self._stream.publish(events)
        if acknowledged:
            last = rows[acknowledged - 1]
            await self._outbox.advance(last)
            self._metrics.relayed.inc(acknowledged)
            self._metrics.outbox_lag_s.set((datetime.now(UTC) - last.occurred_at).total_seconds())
        if acknowledged < len(rows):
            raise UnavailableError("the stream did not acknowledge every event")
        return len(rows) == BATCH
