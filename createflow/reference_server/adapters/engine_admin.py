"""What the stack does with the engines themselves, not with the data: roles, schema, is it there yet."""

from collections.abc import Mapping

import psycopg
import redis.asyncio
from psycopg import sql


async def postgres_answers(dsn: str) -> bool:
    """Whether a statement runs; also through a pooler. False while the server starts or refuses."""
    return await _ask(dsn, "select true")


async def replica_streams(dsn: str) -> bool:
    """Whether a standby answers and receives WAL."""
    return await _ask(
        dsn,
        "select pg_is_in_recovery() and exists (select from pg_stat_wal_receiver where status = 'streaming')",
    )


async def valkey_answers(url: str) -> bool:
    """Whether PING works (it does not while a data set is loaded)."""
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
        dsn: a superuser's, to another database.
    """
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        replica, password = replication_role
        create = sql.SQL("create role {} login replication password {}")
        await connection.execute(create.format(sql.Identifier(replica), sql.Literal(password)))
        for name, password in roles.items():
            create = sql.SQL("create role {} login password {}")
            await connection.execute(create.format(sql.Identifier(name), sql.Literal(password)))
        # strategy wal_log keeps the checkpoint away that file_copy forces
        await connection.execute(sql.SQL("create database {} strategy wal_log").format(sql.Identifier(database)))


async def apply_schema(dsn: str, script: str) -> None:
    """Run a script of several statements in one transaction."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute(script.encode())


async def execute(dsn: str, statement: str) -> None:
    """Run one statement of ours as it is."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(statement.encode())


async def _ask(dsn: str, question: str) -> bool:
    try:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=2) as connection:
            row = await (await connection.execute(question.encode())).fetchone()
            return bool(row and row[0])
    except psycopg.OperationalError:
        return False
