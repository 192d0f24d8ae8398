"""The outbox relay: publishes the events of committed units, each at least once and in the order of the commits."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from createflow.reference_server.domain.event import OutboxRow
from createflow.reference_server.domain.ports import EventStream, UnavailableError
from createflow.reference_server.process.metrics import Metrics

BATCH_SIZE = 500
POLL_S = 0.1
"""Rows are also looked for without a wake-up: one may be lost, and rows may wait for a running transaction."""
INTERVAL_S = 0.05
"""Least time between two batches, so that a steady flow of rows is published in batches."""
RETRY_S = 0.2
KEEP_S = 24 * 3600.0
PRUNE_EVERY_S = 5.0
PRUNE_BATCH_SIZE = 1000


class Outbox(Protocol):
    """The rows to publish. Each method raises ``UnavailableError`` when the database does not answer."""

    async def lead(self) -> bool:
        """Become the leader if there is none; returns whether this process is the leader."""

    async def close(self) -> None:
        """Give up the leadership."""

    async def batch(self, limit: int) -> Sequence[OutboxRow]:
        """Return the next rows, in order."""

    async def advance(self, row: OutboxRow) -> None:
        """Record that all rows up to and including this one are published."""

    async def prune(self, keep_s: float, limit: int) -> None:
        """Delete published rows that are older than ``keep_s``, at most ``limit`` of them."""


class OutboxRelay:
    """Moves rows from the outbox to the stream."""

    def __init__(self, outbox: Outbox, stream: EventStream, metrics: Metrics) -> None:
        self._outbox = outbox
        self._stream = stream
        self._metrics = metrics
        self._wake = asyncio.Event()
        self._pruned_at = time.monotonic()

    def wake(self) -> None:
        """Look for new rows now."""
        self._wake.set()

    async def run(self) -> None:
        """Relay until cancelled; database and stream may go away and come back."""
        try:
            while True:
                try:
                    await self._lead_and_publish()
                except UnavailableError:
                    await asyncio.sleep(RETRY_S)
        finally:
            await self._outbox.close()

    async def _lead_and_publish(self) -> None:
        while not await self._outbox.lead():
            await asyncio.sleep(RETRY_S)
        while True:
            has_more = await self.publish_batch()
            if not has_more:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_S)
                await asyncio.sleep(INTERVAL_S)
            if time.monotonic() - self._pruned_at > PRUNE_EVERY_S:
                self._pruned_at = time.monotonic()
                await self._outbox.prune(KEEP_S, PRUNE_BATCH_SIZE)

    async def publish_batch(self) -> bool:
        """Publish one batch; returns whether more rows are likely to be there already.

        Raises:
            UnavailableError: the database or the stream does not answer.
        """
        self._wake.clear()
        rows = await self._outbox.batch(BATCH_SIZE)
        if not rows:
            return False
        acknowledged = await self._stream.publish([row.event for row in rows])
        if acknowledged:
            last = rows[acknowledged - 1]
            await self._outbox.advance(last)
            self._metrics.relayed.inc(acknowledged)
            self._metrics.outbox_lag_s.set((datetime.now(UTC) - last.event.occurred_at).total_seconds())
        if acknowledged < len(rows):
            raise UnavailableError("the stream did not acknowledge every event")
        return len(rows) == BATCH_SIZE
