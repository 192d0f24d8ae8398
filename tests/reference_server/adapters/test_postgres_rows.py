"""Writes that share a connection and a statement are still each all or nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from createflow.reference_server.adapters.postgres_pool import Pool
from createflow.reference_server.adapters.postgres_rows import PostgresRows
from createflow.reference_server.domain.port import DatabaseError, UnavailableError
from createflow.reference_server.domain.unit_of_work import ROW_STATEMENTS, AuditDraft, EventDraft, Unit, Written
from tests.reference_server.engine_set import EngineSet

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rows(engines: EngineSet) -> AsyncIterator[PostgresRows]:
    """Over a pool of one connection, so that all must share it."""
    pool = Pool(engines.settings.primary_dsn, size=1, wait_s=2.0, prepared=True)
    await pool.open()
    yield PostgresRows(pool, 2.0)
    await pool.close()


def _unit(name: str, *, subject: str = "alice", stream: str | None = "t") -> Unit:
    row = {"name": name, "description": "", "metadata": "{}", "subject": subject}
    unit = Unit(ROW_STATEMENTS["create"], row, "request-1", stream)  # type: ignore[arg-type]  # None is the poison
    unit.events.append(EventDraft("created", subject))
    unit.audits.append(AuditDraft("create", subject))
    return unit


async def _write(rows: PostgresRows, unit: Unit) -> Written | None:
    lease = await rows.acquire()
    try:
        return await rows.write(lease, unit)
    finally:
        await lease.release()


async def _counts(engines: EngineSet, found: Written) -> tuple[Any, ...]:
    sql = """
        SELECT (SELECT count(*) FROM resources WHERE id = %(id)s),
               (SELECT count(*) FROM audit_log WHERE resource_id = %(id)s AND actor = %(by)s),
               (SELECT count(*) FROM outbox WHERE resource_id = %(id)s AND actor = %(by)s AND data = %(data)s),
               (SELECT count(DISTINCT r.xmin::text) FROM resources r WHERE r.id = %(id)s)
    """
    by = found.document.split(b'"created_by":"')[1].split(b'"')[0].decode()
    parameters = {"id": found.resource_id, "by": by, "data": found.document.decode()}
    async with await psycopg.AsyncConnection.connect(engines.settings.direct_dsn) as connection:
        row = await (await connection.execute(sql, parameters)).fetchone()
        assert row is not None
        return row


async def test_joined_writes_each_get_their_own_row_audit_and_event(engines: EngineSet, rows: PostgresRows) -> None:
    """Nothing is mixed up between them."""
    tag = uuid.uuid4().hex
    units = [_unit(f"{tag} {number}", subject=f"user-{number}") for number in range(10)]
    found = await asyncio.gather(*(_write(rows, unit) for unit in units))
    for number, written in enumerate(found):
        assert written is not None
        assert f'"name":"{tag} {number}"'.encode() in written.document
        assert f'"created_by":"user-{number}"'.encode() in written.document
        assert await _counts(engines, written) == (1, 1, 1, 1)


async def test_writes_at_the_same_time_share_a_transaction(engines: EngineSet, rows: PostgresRows) -> None:
    """Else joining would be for nothing."""
    tag = uuid.uuid4().hex
    await asyncio.gather(*(_write(rows, _unit(tag)) for _ in range(10)))
    async with await psycopg.AsyncConnection.connect(engines.settings.direct_dsn) as connection:
        cursor = await connection.execute(
            "SELECT count(*), count(DISTINCT xmin::text) FROM resources WHERE name = %s", (tag,)
        )
        assert await cursor.fetchone() == (10, 1)


async def test_one_bad_write_does_not_take_the_others_with_it(engines: EngineSet, rows: PostgresRows) -> None:
    """It fails alone and leaves nothing; the others are each written once."""
    tag = uuid.uuid4().hex
    bad = _unit(f"{tag} bad", stream=None)
    units = [_unit(f"{tag} 0"), bad, _unit(f"{tag} 2")]
    found = await asyncio.gather(*(_write(rows, unit) for unit in units), return_exceptions=True)
    assert [type(outcome) for outcome in found] == [Written, DatabaseError, Written]
    async with await psycopg.AsyncConnection.connect(engines.settings.direct_dsn) as connection:
        cursor = await connection.execute("SELECT name FROM resources WHERE name LIKE %s ORDER BY 1", (f"{tag}%",))
        assert await cursor.fetchall() == [(f"{tag} 0",), (f"{tag} 2",)]


async def test_a_held_connection_is_waited_for_only_so_long(engines: EngineSet) -> None:
    """And it is not lost: when it comes back, the next one gets it."""
    pool = Pool(engines.settings.primary_dsn, size=1, wait_s=0.1, prepared=True)
    await pool.open()
    rows = PostgresRows(pool, 0.1)
    held = await PostgresRows(pool, 5.0).acquire()
    with pytest.raises(UnavailableError):
        await rows.acquire()
    await held.release()
    again = await rows.acquire()
    await again.release()
    await pool.close()
