"""Defects of step 11: the connection pool."""

import contextlib

from createflow.reference_server.adapters.postgres_pool import Connection, Pool
from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import ChangeReader, replace_stage
from createflow.reference_server.domain.job import Job, Lease, Refused
from createflow.reference_server.domain.ports import Copy, ReadStore, UnavailableError
from createflow.reference_server.domain.read_your_writes import Reader
from createflow.reference_server.stages.data.connection_pool import ConnectionPool
from createflow.reference_server.stages.data.write_primary import WritePrimary
from createflow.schemas.flow import Step

_LEAKED: list[Lease | Connection] = []
"""Kept for ever: a connection that is garbage-collected would be closed, and the pool would open another."""


class _PoolLeaks(ConnectionPool):
    async def __call__(self, job: Job) -> Job:
        try:
            _LEAKED.append(await self.repository.acquire())
        except UnavailableError:
            raise Refused(503, "service_unavailable", "The pool is empty.", retry_after_s=1.0) from None
        return await ConnectionPool.__call__(self, job)


class _LeaksOnErrors(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        try:
            return await WritePrimary.__call__(self, job)
        except Refused:
            with contextlib.suppress(UnavailableError):
                _LEAKED.append(await self.repository.acquire())
            raise


class _LeakingStore:
    """Keeps a connection with each read that fails."""

    def __init__(self, healthy: ReadStore) -> None:
        self._healthy = healthy

    async def read(self, resource_id: str) -> Copy | None:
        try:
            return await self._healthy.read(resource_id)
        except UnavailableError:
            pool: Pool = self._healthy._pool  # type: ignore[attr-defined]  # noqa: SLF001 - a mutant
            with contextlib.suppress(UnavailableError):
                _LEAKED.append(await pool.take())
            raise


def _leaking(reader: Reader) -> Reader:
    return Reader(reader.watermarks, reader.cache, reader.replicas, _LeakingStore(reader.primary))


DEFECTS = (
    Defect(
        "pool_leaks_on_failed_reads",
        Step.CONNECTION_POOL,
        "A read that fails in the database does not give its connection back.",
        ChangeReader(_leaking),
    ),
    Defect(
        "pool_leaks_on_errors",
        Step.CONNECTION_POOL,
        "A write that is refused by the database does not give its connection back.",
        replace_stage(_LeaksOnErrors),
    ),
    Defect(
        "pool_leaks", Step.CONNECTION_POOL, "Connections are not given back to the pool.", replace_stage(_PoolLeaks)
    ),
)
