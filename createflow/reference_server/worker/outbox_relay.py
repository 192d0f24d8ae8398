"""The outbox relay: publishes the events of committed units, each at least once and in the order of the commits."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from createflow.reference_server.domain.event import OutboxRow
from createflow.reference_server.domain.ports import EventStream, StreamLostError, UnavailableError
from createflow.reference_server.domain.progress import Progress
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.metrics import Metrics

BATCH_SIZE = 500
POLL_S = 0.1
"""Rows are also looked for without a wake-up: one may be lost, and rows may wait for a running transaction."""
INTERVAL_S = 0.05
"""Least time between two batches, so that a steady flow of rows is published in batches."""
RETRY_S = 0.2
LOOK_EVERY_S = 1.0
"""How often the oldest row that is not published is looked for."""
READY_WITHIN_S = 5.0
"""The relay reads the outbox many times a second. One that has not for this long is not ready."""


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

    async def rewind(self) -> None:
        """Start again with the oldest row that is kept."""

    async def oldest(self) -> datetime | None:
        """Return when the oldest row that is not published was committed, also one that is held back; None for none."""


class StreamKeeper(Protocol):
    """Makes the stream. Each method raises ``UnavailableError`` when the broker does not answer."""

    async def is_missing(self) -> bool:
        """Whether the broker says that there is no stream."""

    async def make(self) -> None:
        """Make it."""


class OutboxRelay:
    """Moves rows from the outbox to the stream. Of several relays one does so, the leader; the others wait to lead.

    Args:
        outbox: the rows.
        stream: takes the events.
        metrics: of the process.
        log: of the process.
        keeper: makes the stream when it is missing. Only the leader does: a stream that another relay had made would
            look to the leader as if it had everything.
    """

    def __init__(
        self, outbox: Outbox, stream: EventStream, metrics: Metrics, log: Log, *, keeper: StreamKeeper | None = None
    ) -> None:
        self._keeper = keeper
        self._leaves = False
        self._outbox = outbox
        self._stream = stream
        self._metrics = metrics
        self._log = log
        self._wake = asyncio.Event()
        self._looked_at = time.monotonic()
        self._oldest: datetime | None = None
        self._is_stream_sure = False
        self._is_stream_lost = False
        self._reads = Progress()
        self._publishes = Progress()
        self._rounds = Progress()
        metrics.outbox_lag_s.set_function(self._lag_s)

    def wake(self) -> None:
        """Look for new rows now."""
        self._wake.set()

    def leave(self) -> None:
        """Publish nothing after the batch that has begun, and let another relay lead."""
        self._leaves = True
        self._wake.set()

    @property
    def reads_rows(self) -> bool:
        """Whether it has read the outbox just now."""
        return self._reads.has_succeeded_within(READY_WITHIN_S)

    @property
    def publishes(self) -> bool:
        """Whether the stream acknowledged what was last published."""
        return not self._publishes.is_failing

    def _lag_s(self) -> float:
        """The age of the oldest row that is not published; if nobody can tell, the time since somebody could."""
        if self._oldest is not None:
            return max(0.0, (datetime.now(UTC) - self._oldest).total_seconds())
        unknown_s = self._reads.since_success_s
        return unknown_s if unknown_s > LOOK_EVERY_S else 0.0

    async def run(self) -> None:
        """Relay until ``leave`` or cancelled; database and stream may go away and come back."""
        try:
            while not self._leaves:
                try:
                    await self._lead_and_publish()
                except StreamLostError:
                    self._log.error("stream_lost", action="every kept event is published again")
                    self._is_stream_lost = True
                except UnavailableError as error:
                    if self._rounds.failed():
                        self._log.warning("relay_waits", cause=str(error))
                    await asyncio.sleep(RETRY_S)
        finally:
            await self._outbox.close()

    async def _lead_and_publish(self) -> None:
        self._is_stream_sure = False
        while not await self._outbox.lead():
            await self._stand_by()
            if self._leaves:
                return
        while not self._leaves:
            if not self._is_stream_sure:
                await self._make_sure_of_stream()
            has_more = await self.publish_batch()
            if not has_more:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_S)
                await asyncio.sleep(INTERVAL_S)

    async def _stand_by(self) -> None:
        """Another relay leads. What it has not published is known here too."""
        if time.monotonic() - self._looked_at > LOOK_EVERY_S or not self.reads_rows:
            self._looked_at = time.monotonic()
            self._oldest = await self._outbox.oldest()
            self._reads.succeeded()
            self._rounds.succeeded()
        await asyncio.sleep(RETRY_S)

    async def _make_sure_of_stream(self) -> None:
        """Make the stream if it is missing. A new one gets every row that is kept.

        The rewind comes first: if this process ends between the two, the next leader finds no stream and does both.
        """
        is_missing = self._is_stream_lost if self._keeper is None else await self._keeper.is_missing()
        if is_missing:
            await self._outbox.rewind()
            if self._keeper is not None:
                await self._keeper.make()
        self._is_stream_sure, self._is_stream_lost = True, False

    async def publish_batch(self) -> bool:
        """Publish one batch; returns whether more rows are likely to be there already.

        Raises:
            UnavailableError: the database or the stream does not answer.
        """
        self._wake.clear()
        rows = await self._outbox.batch(BATCH_SIZE)
        self._reads.succeeded()
        if rows:
            self._oldest = rows[0].event.occurred_at
            await self._publish(rows)
            self._oldest = None
        if time.monotonic() - self._looked_at > LOOK_EVERY_S:
            # A row may be held back by a running transaction: it is not in the batch, and not published either.
            self._looked_at = time.monotonic()
            self._oldest = await self._outbox.oldest()
        self._rounds.succeeded()
        return len(rows) == BATCH_SIZE

    async def _publish(self, rows: Sequence[OutboxRow]) -> None:
        try:
            acknowledged = await self._stream.publish([row.event for row in rows])
        except UnavailableError:
            self._publishes.failed()
            raise
        if acknowledged:
            await self._outbox.advance(rows[acknowledged - 1])
            self._metrics.relayed.inc(acknowledged)
        if acknowledged < len(rows):
            self._oldest = rows[acknowledged].event.occurred_at
            self._publishes.failed()
            raise UnavailableError("the stream did not acknowledge every event")
        self._publishes.succeeded()
