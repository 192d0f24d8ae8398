"""What the stack does with the engines themselves: whether they take writes, roles, schema, injected faults."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from createflow.reference_server.adapters.postgres_pool import COMMITS
from createflow.reference_server.adapters.search_index import SearchIndex
from createflow.reference_server.adapters.valkey import ValkeyClient
from createflow.reference_server.domain.ports import UnavailableError

_REPLAYED_WITHIN_S = 0.8
_POLL_S = 0.02
_BREAK_WRITES = """
create or replace function createflow_injected_error() returns trigger language plpgsql as
$$ begin raise exception 'injected by createflow stack inject database-error'; end $$;
create or replace trigger injected_error before insert on outbox
for each row execute function createflow_injected_error();
"""
_LATE_COMMITS = """
create or replace function createflow_late_commit() returns trigger language plpgsql as $$
declare xid text := pg_current_xact_id()::text;
begin
  if xid::bigint % 2 = 0 and current_setting('createflow.late', true) is distinct from xid then
    perform set_config('createflow.late', xid, true), pg_sleep(0.15);
  end if;
  return null;
end $$;
drop trigger if exists late_commit on outbox;
create constraint trigger late_commit after insert on outbox deferrable initially deferred
for each row execute function createflow_late_commit();
"""
SCRIPTS: Mapping[str, tuple[str, str]] = {
    "database-error": (_BREAK_WRITES, "drop trigger if exists injected_error on outbox;"),
    "late-commits": (_LATE_COMMITS, "drop trigger if exists late_commit on outbox;"),
    "read-error": ("revoke select on resources from createflow_app", "grant select on resources to createflow_app"),
}
"""Faults of the database by name: the script that injects one, and the script that heals it; for a superuser.

- ``database-error``: every write fails inside its transaction. The outbox row is the last part of a unit of work, so
  row and audit entry have been written when it fails.
- ``late-commits``: every second transaction waits between its last statement and its commit.
- ``read-error``: no statement may read the resources, on the primary and soon on the replicas.
"""


async def postgres_commits(dsn: str) -> bool:
    """Whether a write is committed, directly or through a pooler. False while the server starts or refuses."""
    return await _ask(dsn, COMMITS)


async def replica_follows(dsn: str, primary_dsn: str) -> bool:
    """Whether a standby has the tables, and replays what is written to the primary now.

    Receiving is not enough: one whose replay is paused, or far behind, shows its users old rows.

    Args:
        dsn: of a superuser, to the database of the tables.
        primary_dsn: of a superuser.
    """
    try:
        async with await _connected(dsn) as replica:
            if not await _first(replica, "select pg_is_in_recovery() and to_regclass('resources') is not null"):
                return False
            async with await psycopg.AsyncConnection.connect(
                primary_dsn, autocommit=True, connect_timeout=2
            ) as primary:
                written = await _first(primary, "select pg_logical_emit_message(true, 'createflow ready', '')::text")
            until = time.monotonic() + _REPLAYED_WITHIN_S
            has_replayed = f"select pg_last_wal_replay_lsn() >= '{written}'::pg_lsn"
            while not await _first(replica, has_replayed):
                if time.monotonic() > until:
                    return False
                await asyncio.sleep(_POLL_S)
            return True
    except psycopg.OperationalError:
        return False


async def valkey_stores(url: str) -> bool:
    """Whether a value can be written and read. It cannot while a data set is loaded, nor without memory."""
    client = ValkeyClient(url, timeout_s=1.0)
    try:
        return await client.stores()
    finally:
        await client.close()


async def search_stores(url: str, index: str) -> bool:
    """Whether a document can be written and read, in the index of the resources once it is there."""
    search = SearchIndex(url, index)
    try:
        return await search.stores()
    except UnavailableError:
        return False
    finally:
        await search.close()


async def make_database(
    dsn: str, *, database: str, roles: Mapping[str, str], replication_role: tuple[str, str]
) -> None:
    """Create login roles (name to password), the role that replicas connect with, and an empty database.

    Args:
        dsn: of a superuser, to another database.
    """
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        replica, password = replication_role
        create = sql.SQL("create role {} login replication password {}")
        await connection.execute(create.format(sql.Identifier(replica), sql.Literal(password)))
        for name, password in roles.items():
            create = sql.SQL("create role {} login password {}")
            await connection.execute(create.format(sql.Identifier(name), sql.Literal(password)))
        # strategy wal_log: file_copy would force a checkpoint
        await connection.execute(sql.SQL("create database {} strategy wal_log").format(sql.Identifier(database)))


async def apply_schema(dsn: str, script: str) -> None:
    """Run a script of several statements in one transaction."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute(script.encode())


async def pause_replay(dsn: str, *, paused: bool) -> None:
    """Let a standby receive WAL without showing it, or show what it has received.

    Args:
        dsn: of a superuser, to the standby.
        paused: or let it go on.
    """
    await run_script(dsn, "select pg_wal_replay_pause()" if paused else "select pg_wal_replay_resume()")


async def block_documents(url: str, index: str, *, blocked: bool) -> None:
    """Let the search engine refuse every document, or take them again.

    Raises:
        UnavailableError: it does not do so.
    """
    search = SearchIndex(url, index)
    try:
        await search.block(blocked=blocked)
    finally:
        await search.close()


async def run_script(dsn: str, script: str) -> None:
    """Run a script of several statements, each committed by itself unless the script says otherwise.

    Args:
        dsn: of a superuser.
        script: without parameters.
    """
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(script.encode())


async def _connected(dsn: str) -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=2)


async def _ask(dsn: str, question: str) -> bool:
    try:
        async with await _connected(dsn) as connection:
            return bool(await _first(connection, question))
    except psycopg.OperationalError:
        return False


async def _first(connection: psycopg.AsyncConnection[Any], question: str) -> Any:
    """The first value of the answer; None without one."""
    row = await (await connection.execute(question.encode())).fetchone()
    return row[0] if row else None
