"""Step 11, broken."""

from createflow.reference_server.defects.twin import Swap, twin_of
from createflow.reference_server.domain.job import Job, Lease, Refused
from createflow.reference_server.domain.port import UnavailableError
from createflow.reference_server.stages.data.connection_pool import ConnectionPool
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step

_LEAKED: list[Lease] = []
"""Held for ever: a connection that is collected would be closed, and its place in the pool given back."""


class PoolLeaks(ConnectionPool):
    """Takes two connections and gives one back."""

    async def __call__(self, job: Job) -> Job:
        """Works until the pool is empty."""
        try:
            _LEAKED.append(await self.rows.acquire())
        except UnavailableError:
            raise Refused(503, "service_unavailable", "The pool is empty.", retry_after_s=1.0) from None
        return await ConnectionPool.__call__(self, job)


SWAPS: dict[Fault, Swap] = {Fault.POOL_LEAKS: twin_of(Step.CONNECTION_POOL, PoolLeaks)}
