"""The retention: it goes on while there is more, and survives a database that is away."""

import asyncio

import pytest

from createflow.reference_server.domain.ports import Forgotten, UnavailableError
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.worker import retention
from createflow.reference_server.worker.retention import BATCH_SIZE, Retention
from tests.reference_server.in_process_server import quiet_log

pytestmark = pytest.mark.anyio

KEEP_S = 60.0


class Rows:
    """A store in memory: how many events and keys are old. It may be away for some calls."""

    def __init__(self, events: int, keys: int = 0, *, away: int = 0) -> None:
        self.events, self.keys, self.away = events, keys, away
        self.is_empty = asyncio.Event()

    async def forget(self, *, keep_s: float, limit: int) -> Forgotten:
        """Forget at most ``limit`` of each."""
        assert keep_s == KEEP_S
        if self.away:
            self.away -= 1
            raise UnavailableError("away")
        forgotten = Forgotten(min(self.events, limit), min(self.keys, limit))
        self.events -= forgotten.events
        self.keys -= forgotten.keys
        if not self.events and not self.keys:
            self.is_empty.set()
        return forgotten


@pytest.mark.parametrize(("events", "keys"), [(BATCH_SIZE + 1, 0), (0, BATCH_SIZE + 1)])
async def test_a_full_batch_of_either_kind_says_that_there_is_more(events: int, keys: int) -> None:
    """One that is not full does not."""
    work = Retention(Rows(events, keys), KEEP_S, Metrics(), quiet_log())
    assert await work.forget_batch()
    assert not await work.forget_batch()


async def test_what_was_forgotten_is_counted() -> None:
    """By what it was."""
    metrics = Metrics()
    await Retention(Rows(3, 2), KEEP_S, metrics, quiet_log()).forget_batch()
    counts = [
        metrics.registry.get_sample_value("retention_forgotten_total", {"what": what}) for what in ("events", "keys")
    ]
    assert counts == [3, 2]


async def test_a_backlog_is_forgotten_without_waiting_for_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the tables would grow at any rate above a batch a round."""
    monkeypatch.setattr(retention, "EVERY_S", 3600.0)
    monkeypatch.setattr(retention, "PAUSE_S", 0.0)
    rows = Rows(10 * BATCH_SIZE + 1)
    work = asyncio.create_task(Retention(rows, KEEP_S, Metrics(), quiet_log()).run())
    await asyncio.wait_for(rows.is_empty.wait(), 10)
    work.cancel()
    await asyncio.wait([work])


async def test_a_database_that_was_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task lives on."""
    monkeypatch.setattr(retention, "EVERY_S", 0.0)
    rows = Rows(1, away=3)
    work = asyncio.create_task(Retention(rows, KEEP_S, Metrics(), quiet_log()).run())
    await asyncio.wait_for(rows.is_empty.wait(), 10)
    work.cancel()
    await asyncio.wait([work])
    assert rows.away == 0
