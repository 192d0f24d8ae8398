"""PostgreSQL: the primary, a replica, or the audit trail, read-only."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Self

import psycopg
from psycopg import conninfo
from psycopg.rows import dict_row

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.sink import EPOCH, Page
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import SqlSink

PAGE_ROWS = 5_000
_QUERY_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 5


class PostgresTable:
    """Fills Primary, Replica, AuditTrail and PagedRows.

    Single rows are read on one kept connection, by one check at a time; pages on a new connection each time.

    Raises:
        UserError: the DSN is not a connection string.
    """

    def __init__(self, name: str, dsn: str, queries: SqlSink) -> None:
        try:
            self._parts = conninfo.conninfo_to_dict(dsn)
        except psycopg.ProgrammingError:
            # The library's own message quotes the string, with the password.
            raise UserError(
                f"the dsn of {name} in [sinks] is not a connection string",
                hint="postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
            ) from None
        self.name = name
        self._dsn = dsn
        self._queries = queries
        self.has_changes = queries.changes
        self._connection: psycopg.AsyncConnection[dict[str, Any]] | None = None
        self._is_closed = False
        self._lock = asyncio.Lock()

    @property
    def address(self) -> str:
        """Host, port and database, without credentials."""
        parts = self._parts
        return f"{parts.get('host', 'local')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"

    async def open(self) -> Self:
        """Connect, so that a wrong address is found before the first check."""
        self._is_closed = False
        await self._kept_connection()
        return self

    async def close(self) -> None:
        """Close the kept connection; no query opens another one."""
        self._is_closed = True
        async with self._lock:  # a connection that is just being made is closed as well
            await self._drop()

    async def _drop(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        self._connection = None

    async def by_id(self, resource_id: str) -> list[dict[str, Any]]:
        """The rows of a resource."""
        return await self._select(self._queries.by_id, {"id": resource_id})

    async def by_name(self, name: str) -> list[dict[str, Any]]:
        """The rows with this name. Raises NotDeclared when the profile has no such query."""
        if self._queries.by_name is None:
            raise NotDeclared(f"{self.name} has no by_name query")
        return await self._select(self._queries.by_name, {"name": name})

    async def by_actor(self, actor: str) -> list[dict[str, Any]]:
        """The entries of a subject. Raises NotDeclared when the profile has no such query."""
        if self._queries.by_actor is None:
            raise NotDeclared(f"{self.name} has no by_actor query")
        return await self._select(self._queries.by_actor, {"actor": actor})

    async def by_creators(self, creators: Sequence[str], since: datetime) -> list[dict[str, Any]]:
        """The rows that one of these subjects created since then. Raises NotDeclared without such a query."""
        if self._queries.by_creators is None:
            raise NotDeclared(f"{self.name} has no by_creators query")
        return await self._select(self._queries.by_creators, {"creators": list(creators), "since": since})

    async def now(self) -> datetime:
        """The database's own time: no later write has an earlier one."""
        async with self._new_connection() as connection:
            cursor = await connection.execute("select now()")
            row = await cursor.fetchone()
            return row[0] if row is not None else EPOCH

    async def pages(self, query: str, values: Mapping[str, Any]) -> AsyncIterator[Page]:
        """The rows of one query, through a cursor on the server."""
        async with self._new_connection() as connection, connection.cursor("createflow_bench") as cursor:
            await cursor.execute(query.encode(), values)
            while rows := await cursor.fetchmany(PAGE_ROWS):
                yield Page(_columns(cursor), rows)

    async def pages_by_ids(self, query: str, ids: Iterable[Sequence[str]]) -> AsyncIterator[Page]:
        """The rows about these resources: one query for each batch of ids, which it takes as ``%(ids)s``."""
        async with self._new_connection() as connection:
            for batch in ids:
                cursor = await connection.execute(query.encode(), {"ids": list(batch)})
                yield Page(_columns(cursor), await cursor.fetchall())

    async def _select(self, query: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with self._lock, asyncio.timeout(_QUERY_TIMEOUT_S):
            try:
                return await self._select_once(query, values)
            except psycopg.OperationalError:
                # A fault that was healed may have closed the connection; a second failure is raised.
                await self._drop()
                return await self._select_once(query, values)

    async def _select_once(self, query: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        connection = await self._kept_connection()
        # A transaction for each query, so that a replica never shows an old snapshot and a pooler can be between.
        async with connection.transaction():
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall()

    async def _kept_connection(self) -> psycopg.AsyncConnection[dict[str, Any]]:
        if self._is_closed:
            raise psycopg.OperationalError(f"{self.name} is not read any more: the run has ended")
        if self._connection is None or self._connection.closed:
            connection = await psycopg.AsyncConnection.connect(
                self._dsn, row_factory=dict_row, prepare_threshold=None, connect_timeout=_CONNECT_TIMEOUT_S
            )
            try:
                await connection.set_read_only(True)
            except BaseException:
                await connection.close()
                raise
            self._connection = connection
        return self._connection

    @asynccontextmanager
    async def _new_connection(self) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
        connection = await psycopg.AsyncConnection.connect(
            self._dsn, prepare_threshold=None, connect_timeout=_CONNECT_TIMEOUT_S
        )
        try:
            await connection.set_read_only(True)
            # One transaction, for the cursor and because a pooler can be between.
            async with connection.transaction():
                yield connection
        finally:
            await connection.close()


def _columns(
    cursor: psycopg.AsyncCursor[Any] | psycopg.AsyncServerCursor[Any],
) -> tuple[str, ...]:
    return tuple(column.name for column in cursor.description or ())
