"""Step 14: put the new version, or a tombstone, into the cache after the commit. It refuses nothing."""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.cache_writer import CacheWriter
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.ports import Copy
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class InvalidateCache:
    """Sets the cached copy if it is newer, so an old value cannot win in whatever order two of them arrive."""

    step: ClassVar[Step] = Step.INVALIDATE_CACHE
    cache: CacheWriter

    async def __call__(self, job: Job) -> Job:
        """Write the copy; a cache that does not answer never fails the request.

        A replayed reply is not written: the resource may have changed or been deleted since.
        """
        if job.is_replay:
            return job
        await self.cache.put(job.resource_id, Copy(job.version, b"" if job.op == "delete" else job.document))
        return job
