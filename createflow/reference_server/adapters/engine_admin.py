"""What the stack does with the engines themselves: whether they answer, roles, schema, injected faults."""

from collections.abc import Mapping

import psycopg
import redis.asyncio
from psycopg import sql

_BREAK_WRITES = """
create or replace function createflow_injected_error() returns trigger language plpgsql as
$$ begin raise exception 'injected by createflow stack inject database-error'; end $$;
create or replace trigger injected_error before insert on outbox
for each row execute function createflow_injected_error();
"""


async def postgres_answers(dsn: str) -> bool:
    """Whether a statement runs, directly or through a pooler. False while the server starts or refuses."""
    return await _ask(dsn, "select true")


async def replica_streams(dsn: str) -> bool:
    """Whether a standby answers, receives WAL, and has the tables, so that its users can read.

    Args:
        dsn: of a superuser, to the database of the tables.
    """
    return await _ask(
        dsn,
        "select pg_is_in_recovery() and to_regclass('resources') is not null"
        " and exists (select from pg_stat_wal_receiver where status = 'streaming')",
    )


async def valkey_answers(url: str) -> bool:
    """Whether PING works. It does not while a data set is loaded."""
    client = redis.asyncio.Redis.from_url(url, protocol=2, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(await client.ping())
    except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError):
        return False
    finally:
        await client.aclose()


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


async def break_writes(dsn: str) -> None:
    """Make every write fail inside its transaction.

    The outbox row is the last part of a unit of work, so row and audit entry have been written when it fails.

    Args:
        dsn: of a superuser.
    """
    await run_script(dsn, _BREAK_WRITES)


async def heal_writes(dsn: str) -> None:
    """End what ``break_writes`` began."""
    await run_script(dsn, "drop trigger if exists injected_error on outbox;")


async def run_script(dsn: str, script: str) -> None:
    """Run a script of several statements, each committed by itself unless the script says otherwise.

    Args:
        dsn: of a superuser.
        script: without parameters.
    """
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(script.encode())


async def _ask(dsn: str, question: str) -> bool:
    try:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=2) as connection:
            row = await (await connection.execute(question.encode())).fetchone()
            return bool(row and row[0])
    except psycopg.OperationalError:
        return False
