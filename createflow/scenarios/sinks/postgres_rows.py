"""Read-only looks into PostgreSQL: the primary, a replica, or the audit trail."""

import asyncio
from typing import Any, Self

import psycopg
from psycopg import conninfo
from psycopg.rows import dict_row

from createflow.scenarios.outcome import NotDeclared
from createflow.schemas.error import UserError
from createflow.schemas.profile import SqlSink

_LONGEST_QUERY_S = 5.0


class PostgresRows:
    """Fills the roles Primary, Replica and AuditTrail. One connection, asked by one check at a time."""

    def __init__(self, name: str, dsn: str, sink: SqlSink) -> None:
        try:
            self._parts = conninfo.conninfo_to_dict(dsn)
        except psycopg.ProgrammingError:
            # The library's own words quote the string, password and all.
            raise UserError(
                f"the dsn of {name} in [sinks] is not a connection string",
                hint="postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
            ) from None
        self.name = name
        self._dsn = dsn
        self._sink = sink
        self._connection: psycopg.AsyncConnection[dict[str, Any]] | None = None
        self._turn = asyncio.Lock()

    @property
    def address(self) -> str:
        """Where it is, without credentials."""
        parts = self._parts
        return f"{parts.get('host', 'local')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"

    async def open(self) -> Self:
        """Connect now, so that a wrong address is found before the first check."""
        await self._connected()
        return self

    async def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            await self._connection.close()

    async def by_id(self, resource_id: str) -> list[dict[str, Any]]:
        """The rows of a resource."""
        return await self._ask(self._sink.by_id, {"id": resource_id})

    async def by_name(self, name: str) -> list[dict[str, Any]]:
        """The rows with this name. Raises NotDeclared when the profile has no such query."""
        if self._sink.by_name is None:
            raise NotDeclared(f"{self.name} has no by_name query")
        return await self._ask(self._sink.by_name, {"name": name})

    async def by_actor(self, actor: str) -> list[dict[str, Any]]:
        """The entries of a subject. Raises NotDeclared when the profile has no such query."""
        if self._sink.by_actor is None:
            raise NotDeclared(f"{self.name} has no by_actor query")
        return await self._ask(self._sink.by_actor, {"actor": actor})

    async def _ask(self, query: str, values: dict[str, str]) -> list[dict[str, Any]]:
        async with self._turn, asyncio.timeout(_LONGEST_QUERY_S):
            try:
                return await self._asked(query, values)
            except psycopg.OperationalError:
                # A fault that was healed may have ended the connection; a second failure is told.
                await self.close()
                self._connection = None
                return await self._asked(query, values)

    async def _asked(self, query: str, values: dict[str, str]) -> list[dict[str, Any]]:
        connection = await self._connected()
        # A transaction each, so that a replica never shows an old snapshot and a pooler may stand between.
        async with connection.transaction():
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall()

    async def _connected(self) -> psycopg.AsyncConnection[dict[str, Any]]:
        if self._connection is None or self._connection.closed:
            connection = await psycopg.AsyncConnection.connect(
                self._dsn, row_factory=dict_row, prepare_threshold=None, connect_timeout=5
            )
            await connection.set_read_only(True)
            self._connection = connection
        return self._connection


class DeclaredReplicas:
    """Fills the role Replicas."""

    def __init__(self, replicas: tuple[PostgresRows, ...]) -> None:
        self._replicas = replicas

    def each(self) -> tuple[PostgresRows, ...]:
        """In the order of the profile."""
        return self._replicas
