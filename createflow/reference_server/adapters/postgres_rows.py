"""The tables on the primary, and copies of them, through psycopg."""

import asyncio

from createflow.reference_server.adapters.postgres_group_commit import Group, MemberLease
from createflow.reference_server.adapters.postgres_pool import Pool
from createflow.reference_server.domain.batcher import Batcher
from createflow.reference_server.domain.job import Current, Lease
from createflow.reference_server.domain.port import Copy, UnavailableError
from createflow.reference_server.domain.unit_of_work import Stored, Unit, Written

GROUP_MAX = 64
GATHERERS = 1
"""Who waits for a connection waits in one queue, and all of it gets the next one that comes free."""
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


class PostgresRows:
    """Rows on the primary.

    Args:
        pool: connections.
        wait_s: how long a connection may be waited for.
    """

    def __init__(self, pool: Pool, wait_s: float) -> None:
        self._pool = pool
        self._wait_s = wait_s
        self._groups: Batcher[None, MemberLease] = Batcher(
            self._gather, discard=MemberLease.release, most=GROUP_MAX, flights=GATHERERS
        )

    async def acquire(self) -> MemberLease:
        """A connection within the wait limit, shared with those who ask at the same time."""
        try:
            return await asyncio.wait_for(self._groups.submit(None), self._wait_s)
        except TimeoutError:
            raise UnavailableError("no connection came free in time") from None

    async def write(self, lease: Lease, unit: Unit) -> Written | None:
        """The whole unit in one statement on an autocommit connection."""
        if not isinstance(lease, MemberLease):
            raise TypeError("not a lease of this pool")
        return await lease.write(unit)

    async def _gather(self, members: list[None]) -> list[MemberLease]:
        group = Group(self._pool, await self._pool.take(), len(members))
        return [MemberLease(group) for _ in members]

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
