"""What is forgotten in the primary: published rows of the outbox, and Idempotency-Keys. Both in bounded batches."""

from typing import Any, LiteralString

import psycopg

from createflow.reference_server.domain.ports import Forgotten, UnavailableError

FORGET_EVENTS: LiteralString = """
    WITH oldest AS (
        SELECT ctid AS place, occurred_at FROM outbox
        WHERE stream = %(stream)s AND (xid, seq) <= (%(xid)s::xid8, %(seq)s)
        ORDER BY outbox.xid, outbox.seq LIMIT %(limit)s)
    DELETE FROM outbox WHERE ctid = ANY (ARRAY(
        SELECT place FROM oldest WHERE occurred_at < now() - %(keep_s)s * interval '1 second'))
"""
"""The limit stands before the age: rows stand in the order of their commits, nearly that of their age, and one that is
too young ends the search. With both in one WHERE, a batch that finds nothing old would read every row that is kept."""
FORGET_KEYS: LiteralString = """
    DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency_keys WHERE created_at < now() - %(keep_s)s * interval '1 second'
        ORDER BY created_at LIMIT %(limit)s))
"""
IN_ORDER: LiteralString = "SET enable_bitmapscan = off; SET enable_seqscan = off; SET enable_sort = off"
"""For the session: a planner that knows nothing of the table yet would read all of it and sort."""
_CHECKPOINT: LiteralString = "SELECT xid::text, seq FROM outbox_checkpoint WHERE stream = %(stream)s"
_CONNECT_WAIT_S = 2
_SILENT_FOR_MS = 5000


class PostgresRetention:
    """Deletes what is older than it must be kept, over a session of its own, so that the relay never waits for it.

    Args:
        dsn: of the primary.
        stream: only events of this stream are forgotten.
    """

    def __init__(self, dsn: str, stream: str) -> None:
        self._dsn = dsn
        self._stream = stream
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None

    async def forget(self, *, keep_s: float, limit: int) -> Forgotten:
        """Delete the oldest published events and the oldest keys, if they are older than ``keep_s``.

        Events that are not published stay, however old they are.

        Args:
            keep_s: age in seconds.
            limit: at most so many of each.

        Raises:
            UnavailableError: the database does not answer.
        """
        try:
            connection = await self._connected()
            checkpoint = await (await connection.execute(_CHECKPOINT, {"stream": self._stream})).fetchone()
            values = {"stream": self._stream, "keep_s": keep_s, "limit": limit}
            events = 0
            if checkpoint is not None:
                values |= {"xid": checkpoint[0], "seq": checkpoint[1]}
                events = (await connection.execute(FORGET_EVENTS, values, prepare=True)).rowcount
            keys = (await connection.execute(FORGET_KEYS, values, prepare=True)).rowcount
        except psycopg.Error as error:
            await self.close()
            raise UnavailableError(str(error)) from error
        return Forgotten(events, keys)

    async def close(self) -> None:
        """End the session."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connected(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=_CONNECT_WAIT_S, tcp_user_timeout=_SILENT_FOR_MS
            )
            # A crash may bring back what was forgotten; it is forgotten again.
            await self._connection.execute("SET synchronous_commit = off; " + IN_ORDER)
        return self._connection
