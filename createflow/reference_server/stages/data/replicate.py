"""Step 13: make sure that no later read is older than this write. It refuses nothing.

The replicas follow by streaming replication; this step does not wait for them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.read_your_writes import VersionWatermarks
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class Replicate:
    """Raises the resource's version watermark here and in the other instances, before the client gets its reply.

    A create needs none: a replica without the row is never the last store that a read asks.
    """

    step: ClassVar[Step] = Step.REPLICATE
    watermarks: VersionWatermarks
    announce: Callable[[str, int], Awaitable[None]]
    """Sends (id, version) to the other instances; never raises."""

    async def __call__(self, job: Job) -> Job:
        """Raise the watermark of an updated or deleted resource."""
        if job.op in {"update", "delete"}:
            self.watermarks.raise_to(job.resource_id, job.version)
            await self.announce(job.resource_id, job.version)
        return job
