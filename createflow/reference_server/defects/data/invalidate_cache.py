"""Defects of step 14: the cache after a write."""

import orjson

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import replace_stage
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.ports import Copy
from createflow.reference_server.stages.data.invalidate_cache import InvalidateCache
from createflow.schemas.flow import Step


class _CacheNotInvalidated(InvalidateCache):
    async def __call__(self, job: Job) -> Job:
        if job.current is None:
            return await InvalidateCache.__call__(self, job)
        await self.cache.put(job.resource_id, Copy(job.version, job.current.document))
        return job


class _CacheWrongBody(InvalidateCache):
    async def __call__(self, job: Job) -> Job:
        wrong = orjson.loads(job.document)
        wrong["description"] = "something else"
        await self.cache.put(job.resource_id, Copy(job.version, orjson.dumps(wrong)))
        return job


DEFECTS = (
    Defect(
        "cache_not_invalidated",
        Step.INVALIDATE_CACHE,
        "An update leaves the old document in the cache.",
        replace_stage(_CacheNotInvalidated),
    ),
    Defect(
        "cache_wrong_body",
        Step.INVALIDATE_CACHE,
        "The cached document differs from the row.",
        replace_stage(_CacheWrongBody),
    ),
)
