"""The indexer says what the index has refused, until it takes it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from createflow.reference_server.adapters.search_index import _is_done
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.ports import IndexAction, UnavailableError
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.reference_server.worker.indexer import Indexer
from tests.reference_server.in_process_server import quiet_log

pytestmark = pytest.mark.anyio
AGE_S = 40.0


class Events:
    """Delivers the same two events again and again, as a stream does with what is not done."""

    def __init__(self) -> None:
        made_at = datetime.now(UTC) - timedelta(seconds=AGE_S)
        self.events = [
            ResourceEvent(f"event-{number}", "created", f"id-{number}", 1, "alice", "request", made_at, b"{}")
            for number in range(2)
        ]
        self.settled: list[list[bool]] = []

    @asynccontextmanager
    async def fetch(self, _limit: int) -> AsyncIterator["Events"]:
        """Deliver."""
        yield self

    async def settle(self, done: Sequence[bool]) -> None:
        """Record."""
        self.settled.append(list(done))

    async def rewind(self) -> None:
        """Do nothing."""


class Index:
    """An index that refuses some documents, or does not answer."""

    def __init__(self) -> None:
        self.takes = [True, True]
        self.is_away = False

    async def ensure(self) -> bool:
        """It is there."""
        return False

    async def apply(self, _actions: Sequence[IndexAction]) -> Sequence[bool]:
        """Take what it takes."""
        if self.is_away:
            raise UnavailableError
        return self.takes

    async def search(self, _query: str) -> list[Any]:
        """Find nothing."""
        return []


def lag_s(metrics: Metrics) -> float:
    """What /metrics says."""
    lines = metrics.text().decode().splitlines()
    return float(next(line for line in lines if line.startswith("index_lag_seconds ")).split()[1])


async def test_a_refused_document_is_a_lag_and_no_readiness() -> None:
    """Until the index takes it, however many others it takes."""
    metrics, events, index = Metrics(), Events(), Index()
    indexer = Indexer(events, index, IndexUpdate(index), metrics, quiet_log())
    index.takes = [True, False]
    await indexer.index_batch()
    assert events.settled == [[True, False]]
    assert lag_s(metrics) == pytest.approx(AGE_S, abs=10)
    assert not indexer.is_ready
    index.is_away = True
    with pytest.raises(UnavailableError):
        await indexer.index_batch()
    assert lag_s(metrics) == pytest.approx(AGE_S, abs=10)
    index.is_away, index.takes = False, [True, True]
    await indexer.index_batch()
    assert lag_s(metrics) == float("inf"), "no whole round has ended yet"


@pytest.mark.parametrize(
    ("action", "answer", "done"),
    [
        ("index", {"status": 201, "result": "created"}, True),
        ("index", {"status": 409, "error": {"type": "version_conflict_engine_exception"}}, True),
        ("index", {"status": 404, "error": {"type": "index_not_found_exception"}}, False),
        ("index", {"status": 400, "error": {"type": "mapper_parsing_exception"}}, False),
        ("index", {"status": 429, "error": {"type": "es_rejected_execution_exception"}}, False),
        ("delete", {"status": 404, "result": "not_found"}, True),
        ("delete", {"status": 404, "error": {"type": "index_not_found_exception"}}, False),
    ],
)
def test_only_what_the_index_has_is_done(action: str, answer: dict[str, Any], done: bool) -> None:  # noqa: FBT001 - a parameter
    """A 404 to a document means that there is no index: counted as done, the document would be lost."""
    assert _is_done(action, answer) is done
