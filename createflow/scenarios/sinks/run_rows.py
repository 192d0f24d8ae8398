"""What a database holds of a whole load run, read in pages: never all of it at once, on either side."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

PAGE_ROWS = 5_000
_CONNECT_S = 5
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class RunRows:
    """One database. A connection for each look, so that none is held during the load."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def now(self) -> datetime:
        """The database's own time: what is written later has no earlier one."""
        async with self._connected() as connection:
            cursor = await connection.execute("select now()")
            row = await cursor.fetchone()
            return row[0] if row is not None else LONG_AGO

    async def pages(self, query: str, values: Mapping[str, Any]) -> AsyncIterator[list[tuple[Any, ...]]]:
        """The rows of one query, through a cursor on the server."""
        async with self._connected() as connection, connection.cursor("createflow_bench") as cursor:
            await cursor.execute(query.encode(), values)
            while rows := await cursor.fetchmany(PAGE_ROWS):
                yield rows

    async def about(self, query: str, ids: Iterable[Sequence[str]]) -> AsyncIterator[list[tuple[Any, ...]]]:
        """The rows about these resources; each handful of ids is asked for as ``%(ids)s``."""
        async with self._connected() as connection:
            for some in ids:
                cursor = await connection.execute(query.encode(), {"ids": list(some)})
                yield await cursor.fetchall()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
        connection = await psycopg.AsyncConnection.connect(
            self._dsn, prepare_threshold=None, connect_timeout=_CONNECT_S
        )
        try:
            await connection.set_read_only(True)
            # A transaction each, for the cursor and because a pooler may stand between.
            async with connection.transaction():
                yield connection
        finally:
            await connection.close()
