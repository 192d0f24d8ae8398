"""The relay: what is acknowledged without a gap is checked off, and nothing else."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from createflow.reference_server.domain.event import OutboxRow, ResourceEvent
from createflow.reference_server.domain.ports import UnavailableError
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.worker.outbox_relay import BATCH_SIZE, OutboxRelay

pytestmark = pytest.mark.anyio


def row(number: int) -> OutboxRow:
    """The row with this number."""
    now = datetime.now(UTC)
    event = ResourceEvent(f"event-{number}", "created", "id", 1, "alice", "request", now, b"{}")
    return OutboxRow("7", number, event)


class Rows:
    """An outbox in memory."""

    def __init__(self, count: int) -> None:
        self.waiting = [row(number) for number in range(count)]

    async def lead(self) -> bool:
        """There is no other."""
        return True

    async def close(self) -> None:
        """Nothing to give up."""

    async def batch(self, limit: int) -> Sequence[OutboxRow]:
        """The next rows."""
        return self.waiting[:limit]

    async def advance(self, row: OutboxRow) -> None:
        """Forget what is published."""
        self.waiting = self.waiting[self.waiting.index(row) + 1 :]

    async def prune(self, keep_s: float, limit: int) -> None:
        """Nothing to prune."""


class Stream:
    """A stream that acknowledges as many of each batch as it is told to."""

    def __init__(self, acknowledges: int) -> None:
        self.acknowledges = acknowledges
        self.published: list[str] = []

    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        """Note the ids."""
        self.published += [event.id for event in events]
        return min(self.acknowledges, len(events))


async def test_everything_acknowledged_is_checked_off() -> None:
    """And there is nothing more at once."""
    rows, stream = Rows(3), Stream(acknowledges=100)
    assert not await OutboxRelay(rows, stream, Metrics()).publish_batch()
    assert (rows.waiting, stream.published) == ([], ["event-0", "event-1", "event-2"])


async def test_only_the_part_without_a_gap_is_checked_off_and_the_rest_comes_again_with_the_same_ids() -> None:
    """The stream tells repetitions by the id."""
    rows, stream = Rows(3), Stream(acknowledges=1)
    relay = OutboxRelay(rows, stream, Metrics())
    with pytest.raises(UnavailableError):
        await relay.publish_batch()
    stream.acknowledges = 100
    await relay.publish_batch()
    assert stream.published == ["event-0", "event-1", "event-2", "event-1", "event-2"]
    assert rows.waiting == []


async def test_a_stream_that_acknowledges_nothing_costs_nothing() -> None:
    """Every row still waits."""
    rows = Rows(3)
    with pytest.raises(UnavailableError):
        await OutboxRelay(rows, Stream(acknowledges=0), Metrics()).publish_batch()
    assert len(rows.waiting) == 3


async def test_a_full_batch_says_that_there_is_more() -> None:
    """So that a backlog is worked off without pauses."""
    rows = Rows(BATCH_SIZE + 1)
    relay = OutboxRelay(rows, Stream(acknowledges=BATCH_SIZE), Metrics())
    assert await relay.publish_batch()
    assert not await relay.publish_batch()
