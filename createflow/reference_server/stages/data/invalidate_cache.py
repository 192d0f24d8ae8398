"""Step 14: the cache gets the new version, or a tombstone, after the commit."""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.cache_writer import CacheWriter
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.port import Copy
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class InvalidateCache:
    """Set the cached copy if newer: an old value cannot win, in whatever order the two arrive."""

    step: ClassVar[Step] = Step.INVALIDATE_CACHE
    cache: CacheWriter

    async def __call__(self, job: Job) -> Job:
        """Write through; a cache that is away never fails the write.

        An answer that is given again is left out: the resource may have changed, or be gone, since it was true.
        """
        if job.replayed:
            return job
        await self.cache.put(job.resource_id, Copy(job.version, b"" if job.op == "delete" else job.document))
        return job
