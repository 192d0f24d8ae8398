"""Step 14, broken."""

import orjson

from createflow.reference_server.defects.twin import Swap, twin_of
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.port import Copy
from createflow.reference_server.stages.data.invalidate_cache import InvalidateCache
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class CacheNotInvalidated(InvalidateCache):
    """Leaves the old value in the cache, as if it were the new one."""

    async def __call__(self, job: Job) -> Job:
        """The value from before the change, under the new version, so that no read heals it."""
        if job.current is None:
            return await InvalidateCache.__call__(self, job)
        await self.cache.put(job.resource_id, Copy(job.version, job.current.document))
        return job


class CacheWrongBody(InvalidateCache):
    """Caches something else."""

    async def __call__(self, job: Job) -> Job:
        """Another description than the row's."""
        wrong = orjson.loads(job.document)
        wrong["description"] = "something else"
        await self.cache.put(job.resource_id, Copy(job.version, orjson.dumps(wrong)))
        return job


SWAPS: dict[Fault, Swap] = {
    Fault.CACHE_NOT_INVALIDATED: twin_of(Step.INVALIDATE_CACHE, CacheNotInvalidated),
    Fault.CACHE_WRONG_BODY: twin_of(Step.INVALIDATE_CACHE, CacheWrongBody),
}
