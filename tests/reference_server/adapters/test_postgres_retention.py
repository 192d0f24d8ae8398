"""The retention on a real PostgreSQL: what is needed stays, and a batch reads no more than it may delete."""

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, LiteralString

import psycopg
import pytest

from createflow.reference_server.adapters.postgres_outbox import PostgresOutbox
from createflow.reference_server.adapters.postgres_retention import (
    FORGET_EVENTS,
    FORGET_KEYS,
    IN_ORDER,
    PostgresRetention,
)
from createflow.reference_server.domain.ports import Forgotten, UnavailableError
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import open_server, until

pytestmark = pytest.mark.anyio

DAY_S = 24 * 3600.0
_EVENTS: LiteralString = """
    INSERT INTO outbox (stream, type, resource_id, version, actor, request_id, data, occurred_at)
    SELECT %(stream)s, 'created', uuidv7(), 1, %(actor)s, 'request-1', '{}', now() - %(hours)s * interval '1 hour'
    FROM generate_series(1, %(count)s)
"""
_KEYS: LiteralString = """
    INSERT INTO idempotency_keys (subject, key, fingerprint, resource_id, version, document, created_at)
    SELECT %(stream)s, %(actor)s || number, '', uuidv7(), 1, '{}', now() - %(hours)s * interval '1 hour'
    FROM generate_series(1, %(count)s) number
"""


@pytest.fixture
def stream() -> str:
    """A stream for this test only, because the engines are shared."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def session(engines: EngineSet) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
    """A session of the application."""
    async with await psycopg.AsyncConnection.connect(engines.settings.direct_dsn, autocommit=True) as session:
        yield session


@pytest.fixture
async def retention(engines: EngineSet, stream: str) -> AsyncIterator[PostgresRetention]:
    """The retention of this test's stream."""
    retention = PostgresRetention(engines.settings.direct_dsn, stream)
    yield retention
    await retention.close()


async def publish_all(engines: EngineSet, stream: str, *, until_actor: str) -> None:
    """Advance the checkpoint of the stream to the last row of this actor."""
    outbox = PostgresOutbox(engines.settings.direct_dsn, stream)
    assert await outbox.lead()

    async def last_row() -> Any:  # a transaction elsewhere may hold rows back for a moment
        return [row for row in await outbox.batch(100_000) if row.event.actor == until_actor]

    await outbox.advance((await until(last_row))[-1])
    await outbox.close()


async def test_only_what_is_old_and_published_is_forgotten(
    engines: EngineSet,
    session: psycopg.AsyncConnection[tuple[Any, ...]],
    retention: PostgresRetention,
    stream: str,
) -> None:
    """A lost stream would be rebuilt from the outbox."""
    for actor, hours in (("old", 30), ("new", 1), ("old and waiting", 30)):
        await session.execute(_EVENTS, {"stream": stream, "actor": actor, "hours": hours, "count": 1})
    assert (await retention.forget(keep_s=DAY_S, limit=100)).events == 0  # nothing is published yet
    await publish_all(engines, stream, until_actor="new")
    assert (await retention.forget(keep_s=DAY_S, limit=100)).events == 1
    cursor = await session.execute("SELECT actor FROM outbox WHERE stream = %s ORDER BY seq", (stream,))
    assert await cursor.fetchall() == [("new",), ("old and waiting",)]


async def test_keys_of_yesterday_are_forgotten_and_those_of_today_are_not(
    session: psycopg.AsyncConnection[tuple[Any, ...]], retention: PostgresRetention, stream: str
) -> None:
    """Otherwise the table would grow without end."""
    for actor, hours in (("old", 30), ("new", 1)):
        await session.execute(_KEYS, {"stream": stream, "actor": actor, "hours": hours, "count": 1})
    await retention.forget(keep_s=DAY_S, limit=100)
    cursor = await session.execute("SELECT key FROM idempotency_keys WHERE subject = %s", (stream,))
    assert await cursor.fetchall() == [("new1",)]


async def test_a_batch_deletes_no_more_than_its_limit_and_the_oldest_first(
    engines: EngineSet,
    session: psycopg.AsyncConnection[tuple[Any, ...]],
    retention: PostgresRetention,
    stream: str,
) -> None:
    """A long delete would hold locks, and exceed the time of a statement."""
    for actor, hours in (("oldest", 50), ("older", 40)):
        values = {"stream": stream, "actor": actor, "hours": hours, "count": 5}
        await session.execute(_EVENTS, values)
        await session.execute(_KEYS, values)
    await publish_all(engines, stream, until_actor="older")
    assert await retention.forget(keep_s=DAY_S, limit=5) == Forgotten(5, 5)
    for table in ("SELECT actor FROM outbox WHERE stream = %s", "SELECT key FROM idempotency_keys WHERE subject = %s"):
        rows = await (await session.execute(table, (stream,))).fetchall()
        assert {row[0][:5] for row in rows} == {"older"}
        assert len(rows) == 5
    assert await retention.forget(keep_s=DAY_S, limit=5) == Forgotten(5, 5)
    assert await retention.forget(keep_s=DAY_S, limit=5) == Forgotten(0, 0)


@pytest.mark.parametrize(("fill", "statement"), [(_EVENTS, FORGET_EVENTS), (_KEYS, FORGET_KEYS)])
async def test_a_batch_that_finds_nothing_old_reads_no_more_rows_than_its_limit(
    session: psycopg.AsyncConnection[tuple[Any, ...]], stream: str, fill: LiteralString, statement: LiteralString
) -> None:
    """A day of writes lies there; to read it every few seconds would cost more with every write.

    The statement would in the end take longer than it may, and nothing would be forgotten any more.
    """
    await session.execute(fill, {"stream": stream, "actor": "new", "hours": 1, "count": 5000})
    values = {"stream": stream, "keep_s": DAY_S, "limit": 20, "xid": str(2**62), "seq": 0}
    await session.execute(IN_ORDER)
    explain = b"EXPLAIN (ANALYZE, FORMAT JSON) " + statement.encode()
    row = await (await session.execute(explain, values)).fetchone()
    assert row is not None
    scans = [node for node in nodes(row[0][0]["Plan"]) if "Relation Name" in node and "Scan" in node["Node Type"]]
    assert scans
    for scan in scans:
        read = (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"]
        assert read <= 20, scan


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The nodes of a plan."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


async def test_a_session_that_was_ended_is_opened_again(
    engines: EngineSet, retention: PostgresRetention, stream: str
) -> None:
    """The round of the outage says so, the next one works."""
    await retention.forget(keep_s=DAY_S, limit=1)
    async with await psycopg.AsyncConnection.connect(engines.admin_dsn, autocommit=True) as admin:
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'createflow_app' AND query LIKE '%%DELETE FROM idempotency_keys%%'"
        )
    with pytest.raises(UnavailableError):
        await retention.forget(keep_s=DAY_S, limit=1)
    await retention.forget(keep_s=DAY_S, limit=1)


async def test_a_worker_forgets_by_itself_and_the_stream_too(engines: EngineSet) -> None:
    """A key can be used for another create then; event and key are gone, row and audit entry stay."""
    async with open_server(engines, worker=True, keep_s=1.0) as server:
        made = (await server.create({"name": "first"}, **{"idempotency-key": "once"})).json()
        prefix = server.settings.subject_prefix

        async def is_forgotten() -> bool:
            left = await server.rows(
                "SELECT 1 FROM outbox WHERE stream = %(stream)s UNION ALL"
                " SELECT 1 FROM idempotency_keys WHERE resource_id = %(id)s",
                stream=prefix,
                id=made["id"],
            )
            return not left

        assert await until(is_forgotten)
        assert (await server.create({"name": "second"}, **{"idempotency-key": "once"})).status_code == 201
        assert len(await server.rows("SELECT 1 FROM resources WHERE id = %(id)s", id=made["id"])) == 1
        assert len(await server.rows("SELECT 1 FROM audit_log WHERE resource_id = %(id)s", id=made["id"])) == 1

        async def is_dropped() -> bool:
            return not await server.events(made["id"])

        assert await until(is_dropped, within_s=20.0)
