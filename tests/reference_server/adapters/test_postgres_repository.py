"""Group commit: writes that share a connection and a statement are each still all or nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from createflow.reference_server.adapters.postgres_pool import Pool
from createflow.reference_server.adapters.postgres_repository import PostgresRepository
from createflow.reference_server.domain.ports import DatabaseError, UnavailableError
from createflow.reference_server.domain.unit_of_work import AuditDraft, CreateRow, EventDraft, UnitOfWork, WrittenRow
from tests.reference_server.engine_set import EngineSet

pytestmark = pytest.mark.anyio


@pytest.fixture
async def repository(engines: EngineSet) -> AsyncIterator[PostgresRepository]:
    """A repository with one connection, so that all writes share it."""
    pool = Pool(engines.settings.primary_dsn, size=1, wait_s=2.0, prepared=True)
    await pool.open()
    yield PostgresRepository(pool, 2.0)
    await pool.close()


def _unit(name: str, *, subject: str = "alice", stream: str | None = "t") -> UnitOfWork:
    create = CreateRow(name, "", "{}", subject)
    unit = UnitOfWork(create, "request-1", stream)  # type: ignore[arg-type]  # None makes the statement fail
    unit.events.append(EventDraft("created", subject))
    unit.audits.append(AuditDraft("create", subject))
    return unit


async def _write(repository: PostgresRepository, unit: UnitOfWork) -> WrittenRow | None:
    lease = await repository.acquire()
    try:
        return await repository.write(lease, unit)
    finally:
        await lease.release()


async def _counts(engines: EngineSet, found: WrittenRow) -> tuple[Any, ...]:
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


async def test_grouped_writes_each_get_their_own_row_audit_and_event(
    engines: EngineSet, repository: PostgresRepository
) -> None:
    """No field of one write appears in another."""
    tag = uuid.uuid4().hex
    units = [_unit(f"{tag} {number}", subject=f"user-{number}") for number in range(10)]
    found = await asyncio.gather(*(_write(repository, unit) for unit in units))
    for number, written in enumerate(found):
        assert written is not None
        assert f'"name":"{tag} {number}"'.encode() in written.document
        assert f'"created_by":"user-{number}"'.encode() in written.document
        assert await _counts(engines, written) == (1, 1, 1, 1)


async def test_writes_at_the_same_time_share_a_transaction(engines: EngineSet, repository: PostgresRepository) -> None:
    """Otherwise a group commit would save nothing."""
    tag = uuid.uuid4().hex
    await asyncio.gather(*(_write(repository, _unit(tag)) for _ in range(10)))
    async with await psycopg.AsyncConnection.connect(engines.settings.direct_dsn) as connection:
        cursor = await connection.execute(
            "SELECT count(*), count(DISTINCT xmin::text) FROM resources WHERE name = %s", (tag,)
        )
        assert await cursor.fetchone() == (10, 1)


async def test_one_bad_write_does_not_take_the_others_with_it(
    engines: EngineSet, repository: PostgresRepository
) -> None:
    """It fails alone and leaves no row; each of the others is written once."""
    tag = uuid.uuid4().hex
    bad = _unit(f"{tag} bad", stream=None)
    units = [_unit(f"{tag} 0"), bad, _unit(f"{tag} 2")]
    found = await asyncio.gather(*(_write(repository, unit) for unit in units), return_exceptions=True)
    assert [type(outcome) for outcome in found] == [WrittenRow, DatabaseError, WrittenRow]
    async with await psycopg.AsyncConnection.connect(engines.settings.direct_dsn) as connection:
        cursor = await connection.execute("SELECT name FROM resources WHERE name LIKE %s ORDER BY 1", (f"{tag}%",))
        assert await cursor.fetchall() == [(f"{tag} 0",), (f"{tag} 2",)]


async def test_a_held_connection_is_waited_for_only_so_long(engines: EngineSet) -> None:
    """It is not lost: when it is released, the next request gets it."""
    pool = Pool(engines.settings.primary_dsn, size=1, wait_s=0.1, prepared=True)
    await pool.open()
    repository = PostgresRepository(pool, 0.1)
    held = await PostgresRepository(pool, 5.0).acquire()
    with pytest.raises(UnavailableError):
        await repository.acquire()
    await held.release()
    again = await repository.acquire()
    await again.release()
    await pool.close()
