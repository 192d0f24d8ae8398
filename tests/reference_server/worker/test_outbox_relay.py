"""The relay: only events that are acknowledged without a gap count as published."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from createflow.reference_server.domain.event import OutboxRow, ResourceEvent
from createflow.reference_server.domain.ports import UnavailableError
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.worker.outbox_relay import BATCH_SIZE, OutboxRelay

pytestmark = pytest.mark.anyio


def row(number: int) -> OutboxRow:
    """Return the row with this number."""
    now = datetime.now(UTC)
    event = ResourceEvent(f"event-{number}", "created", "id", 1, "alice", "request", now, b"{}")
    return OutboxRow("7", number, event)


class Rows:
    """An outbox in memory."""

    def __init__(self, count: int) -> None:
        self.waiting = [row(number) for number in range(count)]

    async def lead(self) -> bool:
        """Lead: there is no other process."""
        return True

    async def close(self) -> None:
        """Do nothing."""

    async def batch(self, limit: int) -> Sequence[OutboxRow]:
        """The next rows."""
        return self.waiting[:limit]

    async def advance(self, row: OutboxRow) -> None:
        """Drop the published rows."""
        self.waiting = self.waiting[self.waiting.index(row) + 1 :]

    async def prune(self, keep_s: float, limit: int) -> None:
        """Do nothing."""


class Stream:
    """A stream that acknowledges a given number of events of each batch."""

    def __init__(self, acknowledges: int) -> None:
        self.acknowledges = acknowledges
        self.published: list[str] = []

    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        """Record the ids."""
        self.published += [event.id for event in events]
        return min(self.acknowledges, len(events))


async def test_acknowledged_rows_count_as_published() -> None:
    """And there is no more to publish at once."""
    rows, stream = Rows(3), Stream(acknowledges=100)
    assert not await OutboxRelay(rows, stream, Metrics()).publish_batch()
    assert (rows.waiting, stream.published) == ([], ["event-0", "event-1", "event-2"])


async def test_rows_after_a_gap_are_published_again_with_the_same_ids() -> None:
    """The stream drops repetitions by their id."""
    rows, stream = Rows(3), Stream(acknowledges=1)
    relay = OutboxRelay(rows, stream, Metrics())
    with pytest.raises(UnavailableError):
        await relay.publish_batch()
    stream.acknowledges = 100
    await relay.publish_batch()
    assert stream.published == ["event-0", "event-1", "event-2", "event-1", "event-2"]
    assert rows.waiting == []


async def test_no_row_is_lost_when_the_stream_acknowledges_nothing() -> None:
    """Every row still waits."""
    rows = Rows(3)
    with pytest.raises(UnavailableError):
        await OutboxRelay(rows, Stream(acknowledges=0), Metrics()).publish_batch()
    assert len(rows.waiting) == 3


async def test_a_full_batch_says_that_there_is_more() -> None:
    """So that a backlog is published without pauses."""
    rows = Rows(BATCH_SIZE + 1)
    relay = OutboxRelay(rows, Stream(acknowledges=BATCH_SIZE), Metrics())
    assert await relay.publish_batch()
    assert not await relay.publish_batch()
