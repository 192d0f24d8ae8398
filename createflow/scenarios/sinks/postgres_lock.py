"""A lock in the target's own PostgreSQL, which other users and other machines see.

It is an advisory lock: it is in nobody's way who does not ask for it. It is held by an open transaction, so that it
also works behind a pooler; that transaction has no snapshot, so it does not hold up vacuum.
"""

import asyncio
import os
from contextlib import suppress
from typing import Any, LiteralString

import psycopg

_KEYS = (0x6372_6574, 1)
"""``cret`` in ASCII. Advisory locks are of one database, which is the target's own store."""
_CONNECT_TIMEOUT_S = 3
_ANSWER_S = 3.0
_MOST_NAME_BYTES = 63
"""PostgreSQL cuts longer application names."""
_MOST_SHOWN = 10
_PREFIX = "createflow "
_TAKE_ALONE = "SELECT pg_try_advisory_xact_lock(%s, %s)"
_TAKE_SHARED = "SELECT pg_try_advisory_xact_lock_shared(%s, %s)"
_HOLDERS = """
SELECT DISTINCT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s AND l.objid = %s AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class LockUnusable(Exception):  # noqa: N818 - read as a statement
    """The database cannot be reached, or does not let us lock."""


class PostgresLock:
    """The lock, not taken yet.

    Args:
        dsn: of the database.
        holder: who takes it, as text for others.
    """

    def __init__(self, dsn: str, holder: str) -> None:
        self._dsn = dsn
        self._name = (_PREFIX + holder).encode()[:_MOST_NAME_BYTES].decode(errors="ignore")
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None

    async def try_take(self, *, is_alone: bool) -> bool:
        """Take it now, alone or together with others that share it. False: somebody else has it.

        Raises:
            LockUnusable: the database does not answer as one that can lock.
        """
        try:
            async with asyncio.timeout(_ANSWER_S):
                connection = await self._connected()
                cursor = await connection.execute(_TAKE_ALONE if is_alone else _TAKE_SHARED, _KEYS)
                row = await cursor.fetchone()
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self.close()
            raise LockUnusable(type(error).__name__) from None
        return row is not None and row[0] is True

    async def holders(self) -> list[str]:
        """Who has it, as far as they say. Raises as ``try_take`` does."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                cursor = await (await self._connected()).execute(_HOLDERS, _KEYS)
                names = [str(name) for (name,) in await cursor.fetchmany(_MOST_SHOWN)]
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self.close()
            raise LockUnusable(type(error).__name__) from None
        return [name.removeprefix(_PREFIX) for name in names]

    async def is_held(self) -> bool:
        """Whether the connection that holds it is alive."""
        if self._connection is None:
            return False
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._connection.execute("SELECT 1")
        except (psycopg.Error, OSError, TimeoutError):
            await self.close()
            return False
        return True

    def file(self) -> int | None:
        """The open file that holds it: whoever inherits it holds the lock as well."""
        return None if self._connection is None else self._connection.fileno()

    async def close(self, *, is_inherited: bool = False) -> None:
        """Give it back, unless it is inherited by a process that goes on."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if is_inherited and not connection.closed:
            # The goodbye of the protocol would end the session for the heir too.
            nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            os.dup2(nowhere, connection.fileno(), inheritable=False)
            os.close(nowhere)
        with suppress(psycopg.Error, OSError):
            await connection.close()

    async def _connected(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        if self._connection is None:
            connection = await psycopg.AsyncConnection.connect(
                self._dsn, prepare_threshold=None, connect_timeout=_CONNECT_TIMEOUT_S, application_name=self._name
            )
            self._connection = connection
            # Whoever set one up against forgotten transactions does not mean this one.
            statement: LiteralString = "SET LOCAL idle_in_transaction_session_timeout = 0"
            await connection.execute(statement)
        return self._connection
