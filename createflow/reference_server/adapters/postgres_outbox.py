"""The outbox: one leader reads its rows, in an order in which no later commit can come before an earlier one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from createflow.reference_server.domain.event import OutboxRow, ResourceEvent
from createflow.reference_server.domain.ports import UnavailableError

BATCH = """
    SELECT xid::text, seq, event_id::text, type, resource_id::text, version, actor, request_id, occurred_at, data
    FROM outbox
    WHERE stream = %(stream)s AND (xid, seq) > (%(xid)s::xid8, %(seq)s)
      AND xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY outbox.xid, outbox.seq LIMIT %(limit)s
"""
"""A bare ``xid`` in ORDER BY would be the text of the select list: 1000 before 999, and the checkpoint passes rows."""
_OLDEST = """
    SELECT occurred_at FROM outbox WHERE stream = %(stream)s AND (xid, seq) > (%(xid)s::xid8, %(seq)s)
    ORDER BY xid, seq LIMIT 1
"""
_CHECKPOINT = "SELECT xid::text, seq FROM outbox_checkpoint WHERE stream = %(stream)s"
_ADVANCE = """
    INSERT INTO outbox_checkpoint (stream, xid, seq) VALUES (%(stream)s, %(xid)s::xid8, %(seq)s)
    ON CONFLICT (stream) DO UPDATE SET xid = excluded.xid, seq = excluded.seq
"""


class PostgresOutbox:
    """The outbox of one stream, over a session of its own.

    Args:
        dsn: of the primary itself, because a pooler in transaction mode would lose the lock.
        stream: only rows of this stream are read.
    """

    def __init__(self, dsn: str, stream: str) -> None:
        self.dsn = dsn
        self.stream = stream
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._leads = False
        self._position = ("0", 0)

    @property
    def is_connected(self) -> bool:
        """Whether this process has a session, as the leader or to become it."""
        return self._connection is not None and not self._connection.closed

    async def lead(self) -> bool:
        """Become the leader if there is none; returns whether this process is the leader.

        The leader holds an advisory lock, which ends with the session. Who is not the leader keeps its session, and
        so becomes the leader as soon as it asks again.

        Raises:
            UnavailableError: the database does not answer.
        """
        if self._leads and self.is_connected:
            return True
        self._leads = False
        await self._connect()
        rows = await self._execute(
            "SELECT pg_try_advisory_lock(hashtextextended('createflow outbox ' || %(stream)s, 0))"
        )
        if not rows[0][0]:
            return False
        await self._read_checkpoint()
        self._leads = True
        return True

    async def _connect(self) -> None:
        if self.is_connected:
            return
        try:
            self._connection = await psycopg.AsyncConnection.connect(
                self.dsn, autocommit=True, connect_timeout=2, tcp_user_timeout=5000
            )
        except psycopg.Error as error:
            raise UnavailableError(str(error)) from error
        # If a crash loses a checkpoint, events are published again with the same ids.
        await self._execute("SET synchronous_commit = off")

    async def _read_checkpoint(self) -> None:
        rows = await self._execute(_CHECKPOINT)
        self._position = (rows[0][0], rows[0][1]) if rows else ("0", 0)

    async def close(self) -> None:
        """End the session, and with it the leadership."""
        self._leads = False
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def batch(self, limit: int) -> Sequence[OutboxRow]:
        """Return the next rows. Rows that a running transaction could still precede are held back."""
        return await self.rows(BATCH, limit=limit)

    async def rows(self, sql: str, *, limit: int) -> Sequence[OutboxRow]:
        """Return the rows that a statement with the columns of ``BATCH`` selects."""
        rows = await self._execute(sql, limit=limit)
        return [
            OutboxRow(xid, seq, ResourceEvent(event_id, kind, resource, version, actor, request, at, data.encode()))
            for xid, seq, event_id, kind, resource, version, actor, request, at, data in rows
        ]

    async def advance(self, row: OutboxRow) -> None:
        """Record that all rows up to and including this one are published."""
        self._position = (row.xid, row.seq)
        await self._execute(_ADVANCE)

    async def rewind(self) -> None:
        """Start again with the oldest row that is kept."""
        self._position = ("0", 0)
        await self._execute(_ADVANCE)

    async def oldest(self) -> datetime | None:
        """Return when the oldest row that is not published was made, also one that is held back; None for none."""
        if not self._leads:  # the leader moves on
            await self._read_checkpoint()
        rows = await self._execute(_OLDEST)
        return rows[0][0] if rows else None

    async def _execute(self, sql: str, **parameters: float) -> list[tuple[Any, ...]]:
        if self._connection is None:
            raise UnavailableError("no session")
        xid, seq = self._position
        try:
            values = {"stream": self.stream, "xid": xid, "seq": seq, **parameters}
            cursor = await self._connection.execute(sql, values, prepare=True)
            return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            await self.close()
            raise UnavailableError(str(error)) from error
