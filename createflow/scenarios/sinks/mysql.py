"""MySQL and MariaDB: the primary, a replica, or the audit trail, read-only."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.failure import SinkFailed, reason_of, required
from createflow.scenarios.sinks.sink import EPOCH, Page, Row
from createflow.scenarios.target.tls import trusted_context
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import SqlSink

PAGE_ROWS = 1_000
_MOST_BYTES = 64 * 1024 * 1024
"""Of one packet, and of all rows that are in memory at once."""
_MOST_ROWS = 50_000
"""Of a single query."""
_QUERY_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 5
_DEFAULT_PORT = 3306
_ACCESS_DENIED = {1044, 1045, 1698}
_NOT_ALLOWED = {1142, 1143}
_LOST = {2003, 2006, 2013, 2014, 2055}
_FIELD_BIT, _FIELD_TINY, _FIELD_JSON = 16, 1, 245
_WRITES = ("ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "SUPER")


class MysqlTable:
    """Fills Primary, Replica, AuditTrail and PagedRows.

    Single rows are read on one kept connection, by one check at a time; pages on a new connection each time. Times
    without an offset are UTC: the session is.

    Raises:
        UserError: the DSN is not a URL of MySQL, or the extra is not installed.
    """

    def __init__(self, name: str, dsn: str, queries: SqlSink) -> None:
        self._library = required("aiomysql", extra="mysql", what=f"the dsn of {name} in [sinks]")
        self._options = _connection_options(name, dsn, queries)
        self.name = name
        self.has_changes = queries.changes
        self._queries = queries
        self._connection: Any = None
        self._is_closed = False
        self._lock = asyncio.Lock()

    @property
    def address(self) -> str:
        """Host, port and database, without credentials."""
        options = self._options
        place = options.get("unix_socket") or f"{options['host']}:{options['port']}"
        return f"{place}/{options['db']}"

    async def open(self) -> Self:
        """Connect, so that a wrong address is found before the first check."""
        self._is_closed = False
        async with self._lock:
            await self._kept_connection()
        return self

    async def close(self) -> None:
        """Close the kept connection; no query opens another one."""
        self._is_closed = True
        async with self._lock:
            self._drop()

    async def by_id(self, resource_id: str) -> list[Row]:
        """The rows of a resource."""
        return await self._select(self._queries.by_id, {"id": resource_id})

    async def by_name(self, name: str) -> list[Row]:
        """The rows with this name. Raises NotDeclared when the profile has no such query."""
        return await self._select(self._declared("by_name"), {"name": name})

    async def by_actor(self, actor: str) -> list[Row]:
        """The entries of a subject. Raises NotDeclared when the profile has no such query."""
        return await self._select(self._declared("by_actor"), {"actor": actor})

    async def by_creators(self, creators: Sequence[str], since: datetime) -> list[Row]:
        """The rows that one of these subjects created since then. Raises NotDeclared without such a query."""
        return await self._select(self._declared("by_creators"), {"creators": list(creators), "since": since})

    async def now(self) -> datetime:
        """The database's own time: no later write has an earlier one."""
        async for page in self.pages("select utc_timestamp(6)", {}):
            for (moment,) in page.rows:
                return moment if isinstance(moment, datetime) else EPOCH
        return EPOCH

    async def can_write(self) -> str:
        """What the user may do besides reading, in the server's words; empty when it may only read."""
        rows = await self._select("show grants", {})
        grants = [str(value) for row in rows for value in row.values()]
        ours = (" ON *.* ", f" ON `{self._options['db']}`.")
        told = [one.partition(" ON ")[0].removeprefix("GRANT ") for one in grants if any(on in one for on in ours)]
        return next((one for one in told if any(right in one.upper().split(", ") for right in _WRITES)), "")

    async def pages(self, query: str, values: Mapping[str, Any]) -> AsyncIterator[Page]:
        """The rows of one query, which the server sends one by one."""
        async with self._new_connection() as connection:
            async for page in self._pages_of(connection, query, values):
                yield page

    async def pages_by_ids(self, query: str, ids: Iterable[Sequence[str]]) -> AsyncIterator[Page]:
        """The rows about these resources: one query for each batch of ids, which it takes as ``%(ids)s``."""
        async with self._new_connection() as connection:
            for batch in ids:
                async for page in self._pages_of(connection, query, {"ids": list(batch)}):
                    yield page

    async def _pages_of(self, connection: Any, query: str, values: Mapping[str, Any]) -> AsyncIterator[Page]:
        with self._failures_told():
            cursor = await connection.cursor(self._library.SSCursor)
            await cursor.execute(*_given(query, values))
            columns, types = _columns(cursor)
            size = 0
            while rows := await cursor.fetchmany(PAGE_ROWS):
                size += len(rows)
                if size > _MOST_ROWS and "ids" in values:
                    raise Inconclusive(
                        f"{self.name} returned more than {_MOST_ROWS} rows to one query: too many to read"
                    )
                yield Page(columns, [self._row(columns, types, row) for row in rows])

    def _declared(self, query: str) -> str:
        found = getattr(self._queries, query)
        if found is None:
            raise NotDeclared(f"{self.name} has no {query} query")
        return str(found)

    async def _select(self, query: str, values: Mapping[str, Any]) -> list[Row]:
        async with self._lock, asyncio.timeout(_QUERY_TIMEOUT_S):
            try:
                return await self._select_once(query, values)
            except SinkFailed:
                # A fault that was healed may have closed the connection; a second failure is raised.
                self._drop()
                return await self._select_once(query, values)
            except BaseException:
                self._drop()  # an answer may be half read
                raise

    async def _select_once(self, query: str, values: Mapping[str, Any]) -> list[Row]:
        connection = await self._kept_connection()
        with self._failures_told():
            # Closing a cursor reads the rest, so after an error the whole connection is dropped instead.
            cursor = await connection.cursor(self._library.SSCursor)
            await cursor.execute(*_given(query, values))
            columns, types = _columns(cursor)
            rows = await cursor.fetchmany(_MOST_ROWS + 1)
            if len(rows) <= _MOST_ROWS:
                await cursor.close()
        if len(rows) > _MOST_ROWS:
            raise Inconclusive(f"{self.name} returned more than {_MOST_ROWS} rows to one query: too many to read")
        return [dict(zip(columns, self._row(columns, types, row), strict=True)) for row in rows]

    def _row(self, columns: Sequence[str], types: Sequence[tuple[int, int]], row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            _value(value, *kind, is_json=name in self._queries.json_columns)
            for name, kind, value in zip(columns, types, row, strict=True)
        )

    async def _kept_connection(self) -> Any:
        if self._is_closed:
            raise SinkFailed(f"{self.name} is not read any more: the run has ended")
        if self._connection is None or self._connection.closed:
            self._connection = await self._connected()
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @asynccontextmanager
    async def _new_connection(self) -> AsyncIterator[Any]:
        connection = await self._connected()
        try:
            yield connection
        finally:
            connection.close()

    async def _connected(self) -> Any:
        with self._failures_told():
            connection = await self._library.connect(**self._options)
            try:
                connection._reader = _BoundedReader(connection._reader, self.name)  # noqa: SLF001 - the library has no bound
                async with connection.cursor() as cursor:
                    # The session can write nothing, whatever the profile's queries say and its user may do.
                    await cursor.execute("set session transaction read only")
                    await cursor.execute("set session transaction isolation level read committed")
                    await cursor.execute("set session time_zone = '+00:00'")
                    for limit in ("max_statement_time = 30", "max_execution_time = 30000"):  # MariaDB, MySQL
                        with suppress(self._library.MySQLError):
                            await cursor.execute(f"set session {limit}")
            except BaseException:
                connection.close()
                raise
            return connection

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        try:
            yield
        except self._library.MySQLError as error:
            raise SinkFailed(self._told(error)) from None
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            # A value that Python has no room for, or a placeholder of another name in a query.
            if isinstance(error, KeyError):
                raise SinkFailed(f"a query of {self.name} names %({error.args[0]})s, which it is not given") from None
            raise Inconclusive(f"{self.name} returned a value that cannot be read: {reason_of(error)}") from None
        except (OSError, EOFError) as error:
            raise SinkFailed(f"{reason_of(error)}; check the dsn") from None

    def _told(self, error: Exception) -> str:
        code = error.args[0] if error.args else 0
        said = str(error.args[1]) if len(error.args) > 1 else reason_of(error)
        if isinstance(error.__cause__, OSError):  # refused, or a certificate that is not verified
            said = f"{said}: {reason_of(error.__cause__)}"
        if code in _ACCESS_DENIED:
            return f"{said}; check user and password of the dsn"
        if code in _NOT_ALLOWED:
            return f"{said}; the user needs SELECT on the table: docs/sinks.md"
        return f"{said}; check the dsn" if code in _LOST else f"{said}; check the query"


class _BoundedReader:
    """A reader of which no packet is longer than what we keep: the library takes each one whole."""

    def __init__(self, reader: asyncio.StreamReader, name: str) -> None:
        self._reader = reader
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def readexactly(self, size: int) -> bytes:
        """So many bytes. Raises Inconclusive beyond the bound, before any of them is read."""
        if size > _MOST_BYTES:
            raise Inconclusive(f"{self._name} returned a row of more than {_MOST_BYTES} bytes: too long to read")
        return await self._reader.readexactly(size)


def _connection_options(name: str, dsn: str, queries: SqlSink) -> dict[str, Any]:
    hint = "mysql://USER:PASSWORD@HOST:3306/DATABASE"
    wrong = UserError(f"the dsn of {name} in [sinks] is not a URL of MySQL or MariaDB", hint=hint)
    try:
        parts = urlsplit(dsn)
        host, port = parts.hostname, parts.port or _DEFAULT_PORT
    except ValueError:
        raise wrong from None
    socket = parse_qs(parts.query).get("unix_socket", [""])[-1]
    database = unquote(parts.path.strip("/"))
    if not database or not (host or socket):
        raise wrong
    options: dict[str, Any] = {
        "host": host or "localhost",
        "port": port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "db": database,
        "charset": "utf8mb4",
        "autocommit": True,
        "connect_timeout": _CONNECT_TIMEOUT_S,
    }
    if socket:
        options["unix_socket"] = socket
    if queries.ca_file is not None:
        options["ssl"] = trusted_context(queries.ca_file)
    return options


def _given(query: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The query with the members of a list one by one, in parentheses, and times in UTC, as the session has them."""
    given: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list):
            members = {f"{name}_{number}": one for number, one in enumerate(value or [""])}
            query = query.replace(f"%({name})s", f"({', '.join(f'%({member})s' for member in members)})")
            given |= members
        elif isinstance(value, datetime):
            given[name] = value.astimezone(UTC).replace(tzinfo=None)
        else:
            given[name] = value
    return query, given


def _columns(cursor: Any) -> tuple[tuple[str, ...], list[tuple[int, int]]]:
    fields = cursor._result.fields if cursor._result is not None else []  # noqa: SLF001 - the description has no width
    names = tuple(str(column[0]) for column in cursor.description or ())
    return names, [(field.type_code, field.length) for field in fields or []]


def _value(value: Any, type_code: int, width: int, *, is_json: bool) -> Any:
    """The value with the type that its column means: a boolean, an instant, JSON."""
    if value is None:
        return None
    if (type_code == _FIELD_TINY and width == 1) or (type_code == _FIELD_BIT and width == 1):
        return bool(value if isinstance(value, int) else int.from_bytes(value, "big"))
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if (type_code == _FIELD_JSON or is_json) and isinstance(value, str):
        with suppress(ValueError):
            return json.loads(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
