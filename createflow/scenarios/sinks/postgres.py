"""PostgreSQL: the primary, a replica, or the audit trail, read-only."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import datetime
from typing import Any, Self

import psycopg
from psycopg import conninfo
from psycopg.rows import dict_row

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.sink import EPOCH, Page
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import SqlSink

PAGE_ROWS = 1_000
_MOST_BYTES = 64 * 1024 * 1024
"""Of the rows that are in memory at once, as text: a page, or the result of a single query."""
_MOST_ROWS = 50_000
"""Of a single query. All rows of a run that one query returns are some thousands."""
_TOO_LONG = "createflow-rows-too-long"
_SIZE = "createflow_size"
_QUERY_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 5

_WRITE_RIGHTS = """
select distinct one as right from pg_class c join pg_namespace n on n.oid = c.relnamespace,
  unnest(array['DELETE', 'INSERT', 'TRUNCATE', 'UPDATE']) one
where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
  and has_table_privilege(c.oid, one) order by one"""
_READ_ONLY = "-c default_transaction_read_only=on"
_Cursor = psycopg.AsyncCursor[Any] | psycopg.AsyncServerCursor[Any]


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

    async def can_write(self) -> str:
        """What the role may do to tables of the database besides reading; empty when it may only read."""
        rows = await self._select(_WRITE_RIGHTS, {})
        return ", ".join(str(row["right"]) for row in rows)

    async def now(self) -> datetime:
        """The database's own time: no later write has an earlier one."""
        async with self._new_connection() as connection:
            cursor = await connection.execute("select now()")
            row = await cursor.fetchone()
            return row[0] if row is not None else EPOCH

    async def pages(self, query: str, values: Mapping[str, Any]) -> AsyncIterator[Page]:
        """The rows of one query, through a cursor on the server."""
        async with self._new_connection() as connection, connection.cursor("createflow_bench") as cursor:
            with self._bounds_told():
                await cursor.execute(_bounded(query, window_rows=PAGE_ROWS), values)
                while rows := await cursor.fetchmany(PAGE_ROWS):
                    yield self._page(cursor, rows)

    async def pages_by_ids(self, query: str, ids: Iterable[Sequence[str]]) -> AsyncIterator[Page]:
        """The rows about these resources: one query for each batch of ids, which it takes as ``%(ids)s``."""
        async with self._new_connection() as connection:
            for batch in ids:
                with self._bounds_told():
                    cursor = await connection.execute(_bounded(query, most_rows=_MOST_ROWS), {"ids": list(batch)})
                    rows = await cursor.fetchall()
                    self._require_few(rows)
                    yield self._page(cursor, rows)

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
        async with nullcontext() if connection.autocommit else connection.transaction():
            with self._bounds_told():
                cursor = await connection.execute(_bounded(query, most_rows=_MOST_ROWS), values)
                rows = await cursor.fetchall()
        self._require_few(rows)
        return [{name: value for name, value in row.items() if name != _SIZE} for row in rows]

    def _page(self, cursor: _Cursor, rows: list[tuple[Any, ...]]) -> Page:
        columns = tuple(column.name for column in cursor.description or ())
        return Page(columns[:-1], [row[:-1] for row in rows])

    def _require_few(self, rows: Sequence[object]) -> None:
        if len(rows) > _MOST_ROWS:
            raise Inconclusive(f"{self.name} returned more than {_MOST_ROWS} rows to one query: too many to read")

    @contextmanager
    def _bounds_told(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, OverflowError, RecursionError) as error:  # a value that Python has no room for
            raise Inconclusive(f"{self.name} returned a value that cannot be read: {type(error).__name__}") from None
        except psycopg.errors.InvalidTextRepresentation as error:
            if _TOO_LONG not in str(error):
                raise
            mebibytes = _MOST_BYTES // (1024 * 1024)
            raise Inconclusive(f"{self.name} returned rows of more than {mebibytes} MiB: too long to read") from None

    async def _kept_connection(self) -> psycopg.AsyncConnection[dict[str, Any]]:
        if self._is_closed:
            raise psycopg.OperationalError(f"{self.name} is not read any more: the run has ended")
        if self._connection is None or self._connection.closed:
            connection = await self._connected(_READ_ONLY)
            try:
                # A statement alone is a transaction, and needs one round trip instead of three. But a pooler that is
                # between may have dropped the option, and then each transaction must say that it only reads.
                cursor = await connection.execute("show default_transaction_read_only")
                if await cursor.fetchone() != {"default_transaction_read_only": "on"}:
                    await connection.set_autocommit(False)
                    await connection.set_read_only(True)
            except BaseException:
                await connection.close()
                raise
            self._connection = connection
        return self._connection

    async def _connected(self, options: str) -> psycopg.AsyncConnection[dict[str, Any]]:
        given = self._parts.get("options")
        try:
            return await psycopg.AsyncConnection.connect(
                self._dsn,
                autocommit=True,
                row_factory=dict_row,
                prepare_threshold=None,
                connect_timeout=_CONNECT_TIMEOUT_S,
                options=f"{given or ''} {options}".strip(),
            )
        except psycopg.OperationalError as error:
            if not options or "startup parameter" not in str(error):
                raise
            return await self._connected("")  # a pooler refuses it

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


def _bounded(query: str, *, window_rows: int = 0, most_rows: int = 0) -> bytes:
    """The query with a bound on the size of its rows, and on their number.

    The server ends it with an error before it sends what is too long: a client library takes every row whole.

    Args:
        query: of the profile.
        window_rows: so many rows in a row are bounded together; 0 for all.
        most_rows: one more is returned at most; 0 for any number.
    """
    # With the length in its text, so that the planner does not evaluate it in advance.
    error = f"('{_TOO_LONG} ' || octet_length(q::text))::int"
    frame = f"rows {window_rows - 1} preceding" if window_rows else "rows unbounded preceding"
    size = f"case when sum(octet_length(q::text)) over ({frame}) > {_MOST_BYTES} then {error} end as {_SIZE}"
    limit = f" limit {most_rows + 1}" if most_rows else ""
    # On a line of its own, because the query may end with a comment.
    return f"select q.*, {size} from (\n{query.strip().rstrip(';')}\n) q{limit}".encode()  # noqa: S608 - the profile's
