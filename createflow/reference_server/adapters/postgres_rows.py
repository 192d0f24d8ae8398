"""The tables on the primary, and copies of them, through psycopg."""

import psycopg

from createflow.reference_server.adapters.postgres_pool import Connection, Pool
from createflow.reference_server.adapters.unit_statement import compose
from createflow.reference_server.job import Current, Lease
from createflow.reference_server.port import Copy, DatabaseError, KeyTakenError, UnavailableError, UnknownOutcomeError
from createflow.reference_server.unit import Stored, Unit, Written

_NOT_BEGUN = ("53", "57P01", "57P03", "57P05")
"""SQLSTATEs with which the server turns a statement away or aborts it before its commit."""
_COPY = """
    SELECT version, CASE WHEN deleted_at IS NULL THEN resource_document(resources) ELSE '' END
    FROM resources WHERE id = %(id)s
"""
_CURRENT = """
    SELECT version, created_by, resource_document(resources) FROM resources
    WHERE id = %(id)s AND deleted_at IS NULL
"""
_STORED = """
    SELECT fingerprint, resource_id::text, version, document FROM idempotency_keys
    WHERE subject = %(subject)s AND key = %(key)s
"""


class PooledLease:
    """A connection on loan."""

    __slots__ = ("_pool", "connection")

    def __init__(self, pool: Pool, connection: Connection) -> None:
        self._pool = pool
        self.connection: Connection | None = connection

    async def release(self) -> None:
        """Give it back; a second time is harmless."""
        connection, self.connection = self.connection, None
        if connection is not None:
            await self._pool.give(connection)


class PostgresRows:
    """Rows on the primary."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def acquire(self) -> PooledLease:
        """A connection within the pool's wait limit."""
        return PooledLease(self._pool, await self._pool.take())

    async def write(self, lease: Lease, unit: Unit) -> Written | None:
        """The whole unit in one statement on an autocommit connection."""
        if not isinstance(lease, PooledLease) or lease.connection is None:
            raise TypeError("not a lease of this pool")
        sql, parameters = compose(unit)
        try:
            cursor = await lease.connection.execute(sql, parameters)
            row = await cursor.fetchone()
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name == "idempotency_keys_pkey":
                raise KeyTakenError from None
            raise DatabaseError(str(error)) from error
        except psycopg.Error as error:
            raise _judged(error) from error
        return Written(row[0], row[1], row[2].encode()) if row else None

    async def current(self, resource_id: str) -> Current | None:
        """The row as it is, unless it is deleted."""
        row = await self._pool.fetch(_CURRENT, {"id": resource_id})
        return Current(row[0], row[1], row[2].encode()) if row else None

    async def stored(self, subject: str, key: str) -> Stored | None:
        """What was answered for this Idempotency-Key."""
        row = await self._pool.fetch(_STORED, {"subject": subject, "key": key})
        return Stored(bytes(row[0]), Written(row[1], row[2], row[3].encode())) if row else None


class PostgresCopies:
    """Copies from one server, the primary or a replica."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, resource_id: str) -> Copy | None:
        """The copy, a deleted one with an empty document."""
        row = await self._pool.fetch(_COPY, {"id": resource_id})
        return Copy(row[0], row[1].encode()) if row else None


def _judged(error: psycopg.Error) -> Exception:
    """What an error says about the write: rolled back, not begun, or nobody knows."""
    state = error.sqlstate
    if state is None:
        return UnknownOutcomeError(str(error))
    if state.startswith(_NOT_BEGUN):
        return UnavailableError(str(error))
    if state == "57P02" or (state.startswith("08") and "crashed" in str(error)):
        # A server that crashes, or a pooler that lost its server, cannot say whether the commit was reached.
        return UnknownOutcomeError(str(error))
    if state.startswith("08"):
        return UnavailableError(str(error))
    return DatabaseError(str(error))
