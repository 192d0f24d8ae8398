"""Step 13: the replicas follow by themselves; what is read meanwhile is never older than this write."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.version_watermarks import Floors
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class Replicate:
    """Raise the floor for the resource here, and tell the other instances before the client is told.

    A create needs no floor: a replica that does not have it yet is not believed anyway.
    """

    step: ClassVar[Step] = Step.REPLICATE
    floors: Floors
    announce: Callable[[str, int], Awaitable[None]]
    """Publishes (id, version) to the other instances; never raises."""

    async def __call__(self, job: Job) -> Job:
        """Note the version."""
        if job.op in {"update", "delete"}:
            self.floors.raise_to(job.resource_id, job.version)
            await self.announce(job.resource_id, job.version)
        return job
