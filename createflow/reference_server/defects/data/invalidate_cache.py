"""Defects of step 14: the cache after a write."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from createflow.reference_server.defects.defect import Defect, Stages
from createflow.reference_server.defects.seeds import (
    ChangeCacheWrites,
    ChangeReader,
    ChangeStages,
    ChangeStagesAndReader,
    one_in,
    recast,
    replace_stage,
)
from createflow.reference_server.domain.cache_writer import CacheWriter
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.ports import CacheStore, Copy, Delivery, EventSource, UnavailableError
from createflow.reference_server.domain.read_your_writes import Reader
from createflow.reference_server.stages.data.invalidate_cache import InvalidateCache
from createflow.reference_server.stages.data.write_primary import WritePrimary
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


class _CacheKeepsDeleted(InvalidateCache):
    async def __call__(self, job: Job) -> Job:
        if job.op != "delete" or job.current is None:
            return await InvalidateCache.__call__(self, job)
        await self.cache.put(job.resource_id, Copy(job.version, job.current.document))
        return job


class _CacheKeepsChanged(InvalidateCache):
    """Leaves a resource that was updated in the cache when it is deleted."""

    async def __call__(self, job: Job) -> Job:
        if job.op != "delete" or job.current is None or job.current.version == 1:
            return await InvalidateCache.__call__(self, job)
        await self.cache.put(job.resource_id, Copy(job.version, job.current.document))
        return job


class _CacheStaleOneInTen(_CacheNotInvalidated):
    async def __call__(self, job: Job) -> Job:
        if job.op == "update" and _stale():
            return await _CacheNotInvalidated.__call__(self, job)
        return await InvalidateCache.__call__(self, job)


class _CacheDropsEmpty(InvalidateCache):
    async def __call__(self, job: Job) -> Job:
        if not job.document or job.op == "delete":
            return await InvalidateCache.__call__(self, job)
        document = orjson.loads(job.document)
        document["metadata"] = {
            key: value for key, value in document["metadata"].items() if key and value not in ("", [])
        }
        await self.cache.put(job.resource_id, Copy(job.version, orjson.dumps(document)))
        return job


class _CacheValuesAsText(InvalidateCache):
    async def __call__(self, job: Job) -> Job:
        if not job.document or job.op == "delete":
            return await InvalidateCache.__call__(self, job)
        document = orjson.loads(job.document)
        document["metadata"] = {name: str(value) for name, value in document["metadata"].items()}
        await self.cache.put(job.resource_id, Copy(job.version, orjson.dumps(document)))
        return job


class _CacheVersionsAsText(InvalidateCache):
    """Compares versions as texts, so version 9 is newer than version 10."""

    async def __call__(self, job: Job) -> Job:
        if job.is_replay or job.op != "update":
            return await InvalidateCache.__call__(self, job)
        # Of these numbers that one is greater whose text is greater.
        number = int(str(job.version).ljust(15, "0"))
        await self.cache.put(job.resource_id, Copy(number, job.document))
        return job


class _ReplayIsCached(InvalidateCache):
    """Puts the document of a replayed create into the cache, although an update may have come since."""

    async def __call__(self, job: Job) -> Job:
        if not job.is_replay:
            return await InvalidateCache.__call__(self, job)
        await self.cache.put(job.resource_id, Copy(2**40, job.document))
        return job


class _CacheOtherResource(InvalidateCache):
    """Puts one document in ten under the id of the resource written before it."""

    async def __call__(self, job: Job) -> Job:
        before = _LAST_ID[-1] if _LAST_ID else ""
        if job.op == "create":
            _LAST_ID[:] = [job.resource_id]
            if before and _misplaced():
                await self.cache.put(before, Copy(job.version + 1, job.document))
        return await InvalidateCache.__call__(self, job)


class _CacheRevertsLater(InvalidateCache):
    """Puts the document before one update in ten into the cache again, half a second later."""

    async def __call__(self, job: Job) -> Job:
        while _DUE and _DUE[0][0] < time.monotonic():
            _, resource_id, document = _DUE.pop(0)
            await self.cache.put(resource_id, Copy(2**40, document))
        if job.op == "update" and job.current is not None and _reverted():
            _DUE.append((time.monotonic() + 0.5, job.resource_id, job.current.document))
        return await InvalidateCache.__call__(self, job)


class _CacheBeforeCommit(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        if job.op == "update" and job.current is not None:
            shown = {**orjson.loads(job.current.document), **job.body}
            await _EARLY[0](job.resource_id, Copy(job.current.version + 1, orjson.dumps(shown)))
        return await WritePrimary.__call__(self, job)


class _CacheColdAfterCreate(InvalidateCache):
    async def __call__(self, job: Job) -> Job:
        return job if job.op == "create" else await InvalidateCache.__call__(self, job)


class _RefillsLate(Reader):
    """Fills a cold cache with what it has read a moment before, whatever is there by then."""

    async def read(self, resource_id: str) -> Copy | None:
        cached = await self.cache.read(resource_id)
        if cached is not None:
            return cached
        copy = await self.primary.read(resource_id)
        if copy is not None:
            await asyncio.sleep(0.005)
            # As large as a version can be: whatever was put meanwhile is overwritten, and stays so.
            await self.cache.set_if_newer(resource_id, Copy(2**40, copy.document))
        return copy


class _CacheTriedOnce(InvalidateCache):
    """Does not repeat what the cache did not take."""

    async def __call__(self, job: Job) -> Job:
        if not job.is_replay:
            await _write_once(self.cache, job.resource_id, Copy(job.version, _after(job)))
        return job


async def _write_once(writer: CacheWriter, resource_id: str, copy: Copy) -> None:
    store: CacheStore = writer._store  # noqa: SLF001 - a mutant
    with contextlib.suppress(UnavailableError):
        await store.set_if_newer(resource_id, copy)


def _after(job: Job) -> bytes:
    return b"" if job.op == "delete" else job.document


@dataclass
class _NoEvents:
    """Takes every event as done and shows none."""

    healthy: EventSource

    @asynccontextmanager
    async def fetch(self, limit: int) -> AsyncIterator[Delivery]:
        async with self.healthy.fetch(limit) as delivery:
            await delivery.settle([True] * len(delivery.events))
            yield _Nothing()

    async def rewind(self) -> None:
        await self.healthy.rewind()


class _Nothing:
    def __init__(self) -> None:
        self.events: list[ResourceEvent] = []

    async def settle(self, done: object) -> None:
        """Nothing was shown."""


_LAST_ID: list[str] = []
_EARLY: list[Callable[[str, Copy], Awaitable[None]]] = []
_DUE: list[tuple[float, str, bytes]] = []
_reverted = one_in(10)
_stale = one_in(10)
_misplaced = one_in(10)


def _cache_first(stages: Stages) -> Stages:
    for stage in stages:
        if isinstance(stage, InvalidateCache):
            _EARLY[:] = [stage.cache.put]
    return tuple(recast(stage, _CacheBeforeCommit) if isinstance(stage, WritePrimary) else stage for stage in stages)


def _refilling(reader: Reader) -> Reader:
    return _RefillsLate(reader.watermarks, reader.cache, reader.replicas, reader.primary)


DEFECTS = (
    Defect(
        "cache_forgets_outage",
        Step.INVALIDATE_CACHE,
        "What was written while the cache did not answer is never written to it.",
        ChangeCacheWrites(replace_stage(_CacheTriedOnce), _NoEvents),
    ),
    Defect(
        "cache_outage_outlives_service",
        Step.INVALIDATE_CACHE,
        "A service that is killed while the cache does not answer leaves old documents in it.",
        ChangeCacheWrites(None, _NoEvents),
    ),
    Defect(
        "cache_keeps_changed",
        Step.INVALIDATE_CACHE,
        "A resource that was updated and deleted stays in the cache.",
        replace_stage(_CacheKeepsChanged),
    ),
    Defect(
        "cache_drops_empty",
        Step.INVALIDATE_CACHE,
        "Empty texts, lists and keys in metadata are not cached.",
        replace_stage(_CacheDropsEmpty),
    ),
    Defect(
        "cache_keeps_deleted",
        Step.INVALIDATE_CACHE,
        "A delete leaves the document in the cache.",
        replace_stage(_CacheKeepsDeleted),
    ),
    Defect(
        "cache_stale_one_in_ten",
        Step.INVALIDATE_CACHE,
        "One update in ten leaves the old document in the cache.",
        replace_stage(_CacheStaleOneInTen),
    ),
    Defect(
        "cache_values_as_text",
        Step.INVALIDATE_CACHE,
        "The values of metadata are texts in the cache.",
        replace_stage(_CacheValuesAsText),
    ),
    Defect(
        "cache_versions_as_text",
        Step.INVALIDATE_CACHE,
        "Versions are compared as texts: after version 9 the cache keeps an old document.",
        replace_stage(_CacheVersionsAsText),
    ),
    Defect(
        "replay_is_cached",
        Step.INVALIDATE_CACHE,
        "The repeated create of a resource that was updated since puts the first document into the cache.",
        replace_stage(_ReplayIsCached),
    ),
    Defect(
        "cache_other_resource",
        Step.INVALIDATE_CACHE,
        "One document in ten is also cached under the id of another resource.",
        replace_stage(_CacheOtherResource),
    ),
    Defect(
        "cache_reverts_later",
        Step.INVALIDATE_CACHE,
        "One update in ten is undone in the cache half a second later.",
        replace_stage(_CacheRevertsLater),
    ),
    Defect(
        "cache_before_commit",
        Step.INVALIDATE_CACHE,
        "An update is cached before it is committed, and stays there when it fails.",
        ChangeStages("service", _cache_first),
    ),
    Defect(
        "cache_refilled_late",
        Step.INVALIDATE_CACHE,
        "A read that fills a cold cache overwrites an update that came meanwhile.",
        ChangeStagesAndReader(replace_stage(_CacheColdAfterCreate), ChangeReader(_refilling)),
    ),
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
