"""The outbox, read by one leader in the order of commits that cannot be overtaken."""

from collections.abc import Sequence
from typing import Any

import psycopg

from createflow.reference_server.domain.outbox import OutboxRow
from createflow.reference_server.domain.port import UnavailableError

_BATCH = """
    SELECT xid::text, seq, event_id::text, type, resource_id::text, version, actor, request_id, occurred_at, data
    FROM outbox
    WHERE stream = %(stream)s AND (xid, seq) > (%(xid)s::xid8, %(seq)s)
      AND xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY xid, seq LIMIT %(limit)s
"""
_CHECKPOINT = "SELECT xid::text, seq FROM outbox_checkpoint WHERE stream = %(stream)s"
_ADVANCE = """
    INSERT INTO outbox_checkpoint (stream, xid, seq) VALUES (%(stream)s, %(xid)s::xid8, %(seq)s)
    ON CONFLICT (stream) DO UPDATE SET xid = excluded.xid, seq = excluded.seq
"""
_PRUNE = """
    DELETE FROM outbox WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM outbox
        WHERE stream = %(stream)s AND (xid, seq) <= (%(xid)s::xid8, %(seq)s)
          AND occurred_at < now() - %(keep_s)s * interval '1 second'
        ORDER BY xid, seq LIMIT %(limit)s))
"""

_FORGET_KEYS = """
    DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency_keys
        WHERE created_at < now() - %(keep_s)s * interval '1 second' LIMIT %(limit)s))
"""


class PostgresOutbox:
    """One stream's outbox over a session of its own.

    Args:
        dsn: the primary itself: a pooler in transaction mode would lose the lock.
        stream: whose rows.
    """

    def __init__(self, dsn: str, stream: str) -> None:
        self._dsn = dsn
        self._stream = stream
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._position = ("0", 0)

    @property
    def leads(self) -> bool:
        """Whether this process is the leader."""
        return self._connection is not None and not self._connection.closed

    async def lead(self) -> bool:
        """Become the leader if there is none; the lock ends with the session, however that ends.

        Raises:
            UnavailableError: the database does not answer.
        """
        if self.leads:
            return True
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=2, tcp_user_timeout=5000
            )
        except psycopg.Error as error:
            raise UnavailableError(str(error)) from error
        try:
            # A checkpoint lost in a crash only means that events are published again, with the same ids.
            await connection.execute("SET synchronous_commit = off")
            cursor = await connection.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"createflow outbox {self._stream}",)
            )
            row = await cursor.fetchone()
            if not row or not row[0]:
                await connection.close()
                return False
            cursor = await connection.execute(_CHECKPOINT, {"stream": self._stream})
            row = await cursor.fetchone()
        except psycopg.Error as error:
            await connection.close()
            raise UnavailableError(str(error)) from error
        self._position = (row[0], row[1]) if row else ("0", 0)
        self._connection = connection
        return True

    async def close(self) -> None:
        """End the session, and with it the leadership."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def batch(self, limit: int) -> Sequence[OutboxRow]:
        """The next rows that no running transaction can still precede."""
        rows = await self._execute(_BATCH, limit=limit)
        return [OutboxRow(*row) for row in rows]

    async def advance(self, row: OutboxRow) -> None:
        """Everything up to and including this row is published."""
        self._position = (row.xid, row.seq)
        await self._execute(_ADVANCE)

    async def prune(self, keep_s: float, limit: int) -> None:
        """Delete some published rows that are older, and some Idempotency-Keys: a retry comes within hours."""
        await self._execute(_PRUNE, keep_s=keep_s, limit=limit)
        await self._execute(_FORGET_KEYS, keep_s=keep_s, limit=limit)

    async def _execute(self, sql: str, **parameters: float) -> list[tuple[Any, ...]]:
        if self._connection is None:
            raise UnavailableError("not the leader")
        xid, seq = self._position
        try:
            cursor = await self._connection.execute(
                sql, {"stream": self._stream, "xid": xid, "seq": seq, **parameters}, prepare=True
            )
            return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            await self.close()
            raise UnavailableError(str(error)) from error
