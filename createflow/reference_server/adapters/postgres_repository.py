"""The tables on the primary, and reads of single resources from the primary or a replica."""

import asyncio

from createflow.reference_server.adapters.postgres_group_commit import Group, GroupLease
from createflow.reference_server.adapters.postgres_pool import Pool
from createflow.reference_server.domain.batcher import Batcher
from createflow.reference_server.domain.job import CurrentRow, Lease
from createflow.reference_server.domain.ports import Copy, DatabaseError, UnavailableError, UnknownOutcomeError
from createflow.reference_server.domain.progress import Progress
from createflow.reference_server.domain.unit_of_work import StoredReply, UnitOfWork, WrittenRow

GROUP_MAX = 64
_COPY = """
    SELECT version, CASE WHEN deleted_at IS NULL THEN resource_document(resources) ELSE '' END
    FROM resources WHERE id = %(id)s
"""
_CURRENT = """
    SELECT version, created_by, resource_document(resources) FROM resources
    WHERE id = %(id)s AND deleted_at IS NULL
"""
_CHANGED = """
    SELECT resource_id::text, max(version) FROM (
        SELECT resource_id, version, type FROM outbox WHERE stream = %(stream)s
        ORDER BY stream DESC, xid DESC, seq DESC LIMIT %(most)s
    ) AS newest
    WHERE type <> 'created' GROUP BY resource_id
"""
_STORED = """
    SELECT fingerprint, resource_id::text, version, document FROM idempotency_keys
    WHERE subject = %(subject)s AND key = %(key)s
"""


class PostgresRepository:
    """The tables on the primary.

    Args:
        pool: connections to the primary.
        wait_s: how long a request waits for a connection.
    """

    def __init__(self, pool: Pool, wait_s: float) -> None:
        self._pool = pool
        self._wait_s = wait_s
        self.writes = Progress()
        """What became of the last write."""
        # One batch at a time: all requests that wait get the next free connection together.
        self._leases: Batcher[None, GroupLease] = Batcher(
            self._lease_group, discard=GroupLease.release, batch_max=GROUP_MAX
        )

    async def acquire(self) -> GroupLease:
        """Lease a connection within the wait limit, together with the requests that ask at the same time."""
        try:
            return await asyncio.wait_for(self._leases.submit(None), self._wait_s)
        except TimeoutError:
            raise UnavailableError("no connection came free in time") from None

    async def write(self, lease: Lease, unit: UnitOfWork) -> WrittenRow | None:
        """Write the whole unit in one statement on an autocommit connection."""
        if not isinstance(lease, GroupLease):
            raise TypeError("not a lease of this pool")
        try:
            written = await lease.write(unit)
        except (DatabaseError, UnavailableError, UnknownOutcomeError):
            self.writes.failed()
            raise
        self.writes.succeeded()
        return written

    async def current(self, resource_id: str) -> CurrentRow | None:
        """Return the row as it is now; None when there is none or it is deleted."""
        row = await self._pool.fetch(_CURRENT, {"id": resource_id})
        return CurrentRow(row[0], row[1], row[2].encode()) if row else None

    async def changed_lately(self, stream: str, most: int) -> list[tuple[str, int]]:
        """Return (id, version) of what was updated or deleted by the newest writes, at most so many of them.

        Raises:
            UnavailableError: the primary does not answer.
        """
        rows = await self._pool.fetch_all(_CHANGED, {"stream": stream, "most": most})
        return [(row[0], row[1]) for row in rows]

    async def stored_reply(self, subject: str, key: str) -> StoredReply | None:
        """Return what was written under this Idempotency-Key."""
        row = await self._pool.fetch(_STORED, {"subject": subject, "key": key})
        return StoredReply(bytes(row[0]), WrittenRow(row[1], row[2], row[3].encode())) if row else None

    async def _lease_group(self, members: list[None]) -> list[GroupLease]:
        group = Group(self._pool, await self._pool.take(), len(members))
        return [GroupLease(group) for _ in members]


class PostgresReadStore:
    """Reads from one server, the primary or a replica."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, resource_id: str) -> Copy | None:
        """Return the copy, with an empty document if the resource is deleted."""
        row = await self._pool.fetch(_COPY, {"id": resource_id})
        return Copy(row[0], row[1].encode()) if row else None
