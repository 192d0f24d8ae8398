"""Group commit: writes that share a connection and a statement are each still all or nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.adapters.postgres_group_commit import Group
from createflow.reference_server.adapters.postgres_pool import Pool
from createflow.reference_server.adapters.postgres_repository import PostgresRepository
from createflow.reference_server.domain.ports import DatabaseError, UnavailableError, UnknownOutcomeError
from createflow.reference_server.domain.unit_of_work import (
    AuditDraft,
    CreateRow,
    EventDraft,
    UnitOfWork,
    UpdateRow,
    WrittenRow,
)
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


async def test_what_was_changed_lately_is_told_with_its_last_version(repository: PostgresRepository) -> None:
    """Of the newest writes; a resource that was only created needs no watermark."""
    stream = uuid.uuid4().hex
    changed, unchanged = [await _write(repository, _unit("changed", stream=stream)) for _ in range(2)]
    assert changed is not None
    assert unchanged is not None
    for number in range(2):
        update = UnitOfWork(UpdateRow(changed.resource_id, None, f"name {number}", "", "{}"), "request-2", stream)
        update.events.append(EventDraft("updated", "alice"))
        await _write(repository, update)
    assert await repository.changed_lately(stream, 100) == [(changed.resource_id, 3)]
    assert await repository.changed_lately(stream, 1) == [(changed.resource_id, 3)]
    assert await repository.changed_lately(uuid.uuid4().hex, 100) == []


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


_SWALLOW = """
    CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.name = '{name} bad' THEN RETURN NULL; END IF; RETURN NEW;
    END $$;
    CREATE TRIGGER {name} BEFORE INSERT ON resources FOR EACH ROW EXECUTE FUNCTION {name}();
"""


async def test_a_row_that_the_database_swallows_is_the_failure_of_its_write_only(
    engines: EngineSet, repository: PostgresRepository
) -> None:
    """It leaves no entry and no event; the others are written once, and so is what comes next."""
    tag = f"t{uuid.uuid4().hex}"
    await engine_admin.run_script(engines.admin_dsn, _SWALLOW.format(name=tag))
    try:
        names = [f"{tag} 0", f"{tag} bad", f"{tag} 2"]
        units = [_unit(name, subject=tag) for name in names]
        found = await asyncio.gather(*(_write(repository, unit) for unit in units))
        found.append(await _write(repository, _unit(f"{tag} 3", subject=tag)))
    finally:
        await engine_admin.run_script(engines.admin_dsn, f"DROP FUNCTION {tag} CASCADE")
    assert [written is None for written in found] == [False, True, False, False]
    async with await psycopg.AsyncConnection.connect(engines.settings.direct_dsn) as connection:
        for counted in ("audit_log", "outbox"):
            cursor = await connection.execute(f"SELECT count(*) FROM {counted} WHERE actor = %s", (tag,))  # type: ignore[arg-type]  # noqa: S608 - constants
            assert await cursor.fetchone() == (3,)


class _Miscounting:
    """A connection whose group statement returns a wrong number of rows."""

    def __init__(self, rows: list[tuple[object, ...]]) -> None:
        self._rows = rows

    async def execute(self, _sql: str, _parameters: object) -> "_Miscounting":
        """Do nothing."""
        return self

    async def fetchall(self) -> list[tuple[object, ...]]:
        """Too few, too many, or rows of rubbish."""
        return self._rows

    async def fetchone(self) -> tuple[object, ...] | None:
        """The first of them."""
        return self._rows[0] if self._rows else None


class _NoPool:
    """Takes connections back."""

    def __init__(self) -> None:
        self.given: list[object] = []

    async def give(self, connection: object) -> None:
        """Count it."""
        self.given.append(connection)


@pytest.mark.parametrize("rows", [[], [("id", 1, "{}")], [("id", 1, "{}")] * 4, [("id", 1, None)] * 3, [()] * 3])
async def test_a_statement_that_miscounts_leaves_nobody_waiting(rows: list[tuple[object, ...]]) -> None:
    """It is committed, and nobody knows for whom; the connection goes back to the pool."""
    pool = _NoPool()
    group = Group(pool, _Miscounting(rows), 3)  # type: ignore[arg-type]  # stand-ins

    async def write(number: int) -> WrittenRow | None:
        try:
            return await asyncio.wait_for(group.write(_unit(str(number))), 5)
        finally:
            await group.leave()

    found = await asyncio.gather(*(write(number) for number in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [UnknownOutcomeError] * 3
    assert len(pool.given) == 1
