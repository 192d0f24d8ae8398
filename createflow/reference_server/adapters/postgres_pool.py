"""A pool of connections to PostgreSQL, with a limit on how long to wait for one."""

import asyncio
import contextlib
import select
from typing import Any

import psycopg
import psycopg_pool

from createflow.reference_server.domain.ports import UnavailableError

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
COMMITS = (
    "SELECT pg_logical_emit_message(true, 'createflow ready', '') IS NOT NULL"
    " AND current_setting('transaction_read_only') = 'off'"
)
"""Whether a write can be committed now: a message in the WAL that nobody reads, flushed like any write."""
_CONNECT_TIMEOUT_S = 2
_FILL_POLL_S = 0.01
_RECONNECT_S = 1.0
"""After this time the pool gives up a lost connection, and the next request asks for a new one. The library's own
backoff grows to minutes, and a database that is back must be used within seconds."""


class Pool:
    """A pool that returns open connections only, or raises when none comes free in time.

    Args:
        size: number of connections.
        wait_s: how long to wait for one.
        prepared: use prepared statements.
    """

    def __init__(self, dsn: str, *, size: int, wait_s: float, prepared: bool) -> None:
        self._pool: psycopg_pool.AsyncConnectionPool[Connection] = psycopg_pool.AsyncConnectionPool(
            dsn,
            kwargs={
                "autocommit": True,
                "prepare_threshold": 0 if prepared else None,
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "tcp_user_timeout": 5000,
            },
            min_size=size,
            max_size=size,
            timeout=wait_s,
            reconnect_timeout=_RECONNECT_S,
            open=False,
        )

    async def open(self) -> None:
        """Start connecting in the background."""
        await self._pool.open(wait=False)

    async def fill(self, within_s: float) -> None:
        """Return when all connections are open and were used once, or after this time.

        A pooler behind them opens its own connections when they are used.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._pool.get_stats().get("pool_available", 0) < self._pool.min_size:
                    await asyncio.sleep(_FILL_POLL_S)
                await asyncio.gather(*(self.commits() for _ in range(self._pool.min_size)))

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close(timeout=2.0)

    async def take(self) -> Connection:
        """Take a connection; return it with ``give``.

        Raises:
            UnavailableError: none came free in time.
        """
        while True:
            try:
                connection = await self._pool.getconn()
            except (psycopg_pool.PoolTimeout, psycopg_pool.TooManyRequests, psycopg_pool.PoolClosed) as error:
                raise UnavailableError(str(error)) from error
            if not _was_closed_by_server(connection):
                return connection
            await connection.close()
            await self._pool.putconn(connection)

    async def answers(self) -> bool:
        """Whether a trivial statement gets an answer now."""
        try:
            return await self.fetch("SELECT 1", {}) is not None
        except UnavailableError:
            return False

    async def keep_connected(self) -> None:
        """Ask for a connection whenever there is none, until cancelled.

        Else only requests would ask, and while the circuit breaker is open none come: the few that are let through as
        probes would find no connection although the server is back.
        """
        while True:
            await asyncio.sleep(_RECONNECT_S / 2)
            if not self._pool.get_stats().get("pool_available", 0):
                await self.answers()

    async def commits(self) -> bool:
        """Whether a write can be committed now: a message in the WAL that nobody reads, flushed like any write."""
        try:
            return await self.fetch(COMMITS, {}) == (True,)
        except UnavailableError:
            return False

    async def give(self, connection: Connection) -> None:
        """Return a connection to the pool; a broken one is replaced."""
        await self._pool.putconn(connection)

    async def fetch(self, sql: str, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row of a read.

        Raises:
            UnavailableError: there is no connection, or any database error, since a read can be repeated.
        """
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Return all rows of a read.

        Raises:
            UnavailableError: as ``fetch`` does.
        """
        connection = await self.take()
        try:
            cursor = await connection.execute(sql, parameters)
            return await cursor.fetchall()
        except psycopg.Error as error:
            raise UnavailableError(str(error)) from error
        finally:
            await self.give(connection)


def _was_closed_by_server(connection: Connection) -> bool:
    """Whether the server has closed an idle connection: the only thing that there can be to read from it.

    Without this check, each connection that broke while idle would cost a client an unknown outcome.
    """
    if connection.closed:
        return True
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return bool(poller.poll(0))
