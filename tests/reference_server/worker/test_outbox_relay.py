"""The relay: only events that are acknowledged without a gap count as published."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from createflow.reference_server.domain.event import OutboxRow, ResourceEvent
from createflow.reference_server.domain.ports import StreamLostError, UnavailableError
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.worker import outbox_relay
from createflow.reference_server.worker.outbox_relay import BATCH_SIZE, OutboxRelay
from tests.reference_server.in_process_server import quiet_log

pytestmark = pytest.mark.anyio

AGE_S = 40.0


def row(number: int) -> OutboxRow:
    """Return the row with this number."""
    now = datetime.now(UTC)
    made_at = now - timedelta(seconds=AGE_S)
    event = ResourceEvent(f"event-{number}", "created", "id", 1, "alice", "request", made_at, b"{}")
    return OutboxRow("7", number, event)


class Rows:
    """An outbox in memory."""

    def __init__(self, count: int) -> None:
        self.waiting = [row(number) for number in range(count)]
        self.published: list[OutboxRow] = []
        self.held_back: list[OutboxRow] = []

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
        place = self.waiting.index(row) + 1
        self.published += self.waiting[:place]
        self.waiting = self.waiting[place:]

    async def rewind(self) -> None:
        """Start again with the oldest row."""
        self.waiting = self.published + self.waiting
        self.published = []

    async def oldest(self) -> datetime | None:
        """When the oldest row was made, also one that is held back."""
        waiting = self.waiting + self.held_back
        return waiting[0].event.occurred_at if waiting else None


class Stream:
    """A stream that acknowledges a given number of events of each batch."""

    def __init__(self, acknowledges: int) -> None:
        self.acknowledges = acknowledges
        self.published: list[str] = []
        self.is_lost = False

    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        """Record the ids; a lost stream is made again, and lacks what it had."""
        if self.is_lost:
            self.is_lost, self.published = False, []
            raise StreamLostError
        self.published += [event.id for event in events]
        return min(self.acknowledges, len(events))


async def test_acknowledged_rows_count_as_published() -> None:
    """And there is no more to publish at once."""
    rows, stream = Rows(3), Stream(acknowledges=100)
    assert not await OutboxRelay(rows, stream, Metrics(), quiet_log()).publish_batch()
    assert (rows.waiting, stream.published) == ([], ["event-0", "event-1", "event-2"])


async def test_rows_after_a_gap_are_published_again_with_the_same_ids() -> None:
    """The stream drops repetitions by their id."""
    rows, stream = Rows(3), Stream(acknowledges=1)
    relay = OutboxRelay(rows, stream, Metrics(), quiet_log())
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
        await OutboxRelay(rows, Stream(acknowledges=0), Metrics(), quiet_log()).publish_batch()
    assert len(rows.waiting) == 3


async def test_a_full_batch_says_that_there_is_more() -> None:
    """So that a backlog is published without pauses."""
    rows = Rows(BATCH_SIZE + 1)
    relay = OutboxRelay(rows, Stream(acknowledges=BATCH_SIZE), Metrics(), quiet_log())
    assert await relay.publish_batch()
    assert not await relay.publish_batch()


def lag_s(metrics: Metrics) -> float:
    """What /metrics says."""
    lines = metrics.text().decode().splitlines()
    return float(next(line for line in lines if line.startswith("outbox_lag_seconds ")).split()[1])


async def test_the_lag_is_the_age_of_the_oldest_row_that_is_not_published() -> None:
    """Not of the newest that is: while nothing is published, that one stays as it was."""
    metrics, rows, stream = Metrics(), Rows(3), Stream(acknowledges=1)
    relay = OutboxRelay(rows, stream, metrics, quiet_log())
    with pytest.raises(UnavailableError):
        await relay.publish_batch()
    assert lag_s(metrics) == pytest.approx(AGE_S, abs=10)
    assert not relay.publishes
    assert relay.reads_rows
    stream.acknowledges = 100
    await relay.publish_batch()
    assert (lag_s(metrics), relay.publishes) == (0.0, True)


async def test_a_row_that_is_held_back_counts_as_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is empty, and there is a lag."""
    monkeypatch.setattr(outbox_relay, "LOOK_EVERY_S", -1.0)
    metrics, rows = Metrics(), Rows(0)
    rows.held_back = [row(1)]
    relay = OutboxRelay(rows, Stream(acknowledges=100), metrics, quiet_log())
    await relay.publish_batch()
    assert lag_s(metrics) == pytest.approx(AGE_S, abs=10)


def test_a_relay_that_never_read_the_outbox_has_no_end_of_lag() -> None:
    """Nobody knows what waits there."""
    metrics = Metrics()
    relay = OutboxRelay(Rows(0), Stream(acknowledges=100), metrics, quiet_log())
    assert lag_s(metrics) == float("inf")
    assert not relay.reads_rows


async def test_everything_is_published_again_into_a_stream_that_was_lost() -> None:
    """With the same ids; what was published before is gone with the stream."""
    rows, stream = Rows(3), Stream(acknowledges=100)
    relay = OutboxRelay(rows, stream, Metrics(), quiet_log())
    await relay.publish_batch()
    stream.is_lost = True
    rows.waiting = [row(3)]
    task = asyncio.create_task(relay.run())
    async with asyncio.timeout(10):
        while rows.waiting or not stream.published:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert stream.published == [f"event-{number}" for number in range(4)]


class Keeper:
    """A broker without the stream, which notes when it is made."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.is_gone = True
        self.waiting_when_made = -1

    async def is_missing(self) -> bool:
        """Until it is made."""
        return self.is_gone

    async def make(self) -> None:
        """Make it."""
        self.is_gone, self.waiting_when_made = False, len(self.rows.waiting)


async def test_the_leader_starts_again_before_it_makes_a_missing_stream() -> None:
    """If it ended between the two the other way round, the next leader would take the empty stream for a full one."""
    rows, stream = Rows(0), Stream(acknowledges=100)
    rows.published = [row(number) for number in range(3)]
    keeper = Keeper(rows)
    relay = OutboxRelay(rows, stream, Metrics(), quiet_log(), keeper=keeper)
    task = asyncio.create_task(relay.run())
    async with asyncio.timeout(10):
        while not stream.published:
            await asyncio.sleep(0)
        relay.leave()
        await task
    assert keeper.waiting_when_made == 3
    assert stream.published == [f"event-{number}" for number in range(3)]


class LedByAnother(Rows):
    """An outbox that another process leads."""

    is_led_by_another = True

    async def lead(self) -> bool:
        """Lead as soon as the other one is gone."""
        return not self.is_led_by_another


async def test_a_relay_that_does_not_lead_publishes_nothing_and_knows_the_lag() -> None:
    """It neither makes the stream: the leader would not hear that it was lost."""
    metrics, rows, stream = Metrics(), LedByAnother(3), Stream(acknowledges=100)
    keeper = Keeper(rows)
    relay = OutboxRelay(rows, stream, metrics, quiet_log(), keeper=keeper)
    task = asyncio.create_task(relay.run())
    async with asyncio.timeout(10):
        while not relay.reads_rows:
            await asyncio.sleep(0)
        assert lag_s(metrics) == pytest.approx(AGE_S, abs=10)
        assert (stream.published, keeper.is_gone) == ([], True)
        rows.is_led_by_another = False
        while rows.waiting:
            await asyncio.sleep(0)
        relay.leave()
        await task
    assert stream.published == ["event-0", "event-1", "event-2"]


async def test_a_relay_that_leaves_records_the_batch_that_it_has_begun() -> None:
    """The next leader then publishes none of it again."""
    rows = Rows(3)
    relay: OutboxRelay

    class Leaving(Stream):
        async def publish(self, events: Sequence[ResourceEvent]) -> int:
            relay.leave()
            return await super().publish(events)

    stream = Leaving(acknowledges=100)
    relay = OutboxRelay(rows, stream, Metrics(), quiet_log())
    async with asyncio.timeout(10):
        await relay.run()
    assert (len(rows.waiting), len(stream.published)) == (0, 3)
