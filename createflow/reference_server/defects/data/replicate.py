"""Defects of step 13: reads after a write."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import (
    ChangeReader,
    ChangeReplicas,
    ChangeStagesAndReader,
    one_in,
    replace_stage,
)
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.ports import Copy, ReadStore
from createflow.reference_server.domain.read_your_writes import Reader
from createflow.reference_server.stages.data.replicate import Replicate
from createflow.schemas.flow import Step

_BEFORE: dict[str, Copy] = {}
"""Old copies by id. Stage and reader share them; they are in one process."""


class _NoWatermark(Replicate):
    async def __call__(self, job: Job) -> Job:
        if job.current is not None:
            _BEFORE[job.resource_id] = Copy(job.current.version, job.current.document)
        return job


class _OldReader(Reader):
    async def read(self, resource_id: str) -> Copy | None:
        return _BEFORE.get(resource_id) or await Reader.read(self, resource_id)


class _RemembersWhen(Replicate):
    async def __call__(self, job: Job) -> Job:
        if job.op == "create" and _unseen():
            _UNSEEN[job.resource_id] = time.monotonic() + 0.1
        return await Replicate.__call__(self, job)


class _LateReader(Reader):
    async def read(self, resource_id: str) -> Copy | None:
        return None if time.monotonic() < _UNSEEN.get(resource_id, 0.0) else await Reader.read(self, resource_id)


class _ReplicaReader(Reader):
    """Asks one of the replicas, and believes it."""

    async def read(self, resource_id: str) -> Copy | None:
        return await next(self._next_replica).read(resource_id)


class _LaggingReplicaReader(Reader):
    """Believes a replica that has the row, in whatever version."""

    async def _read_replica(self, resource_id: str, lowest: int) -> Copy | None:
        del lowest
        return await Reader._read_replica(self, resource_id, 0)  # noqa: SLF001 - a mutant


@dataclass
class _InPart:
    """A store whose reads lack a column."""

    healthy: ReadStore

    async def read(self, resource_id: str) -> Copy | None:
        copy = await self.healthy.read(resource_id)
        if copy is None or not copy.document:
            return copy
        return Copy(copy.version, orjson.dumps({**orjson.loads(copy.document), "description": ""}))


def _with_last_replica_in_part(reader: Reader) -> Reader:
    replicas = [*reader.replicas[:-1], *map(_InPart, reader.replicas[-1:])]
    return Reader(reader.watermarks, reader.cache, replicas, reader.primary)


class _WatermarkOfUpdatesOnly(Replicate):
    async def __call__(self, job: Job) -> Job:
        return job if job.op == "delete" else await Replicate.__call__(self, job)


class _NothingRecalled(Reader):
    def recall(self, changes: Iterable[tuple[str, int]]) -> None:
        """Know only of what was written since the start."""


class _SilentReplicate(Replicate):
    async def __call__(self, job: Job) -> Job:
        self.watermarks.raise_to(job.resource_id, job.version)
        return job


class _ReadsDeleted(Reader):
    async def read(self, resource_id: str) -> Copy | None:
        copy = await Reader.read(self, resource_id)
        return _BEFORE.get(resource_id) if copy is not None and not copy.document else copy


class _OneInTenReader(Reader):
    async def read(self, resource_id: str) -> Copy | None:
        old = _BEFORE.get(resource_id)
        return old if old is not None and _outdated() else await Reader.read(self, resource_id)


class _KeepsBefore(Replicate):
    async def __call__(self, job: Job) -> Job:
        if job.current is not None:
            _BEFORE[job.resource_id] = Copy(job.current.version, job.current.document)
        return await Replicate.__call__(self, job)


_UNSEEN: dict[str, float] = {}
_unseen = one_in(10)
_outdated = one_in(10)


def _with(mutant: type[Reader]) -> ChangeReader:
    return ChangeReader(lambda reader: mutant(reader.watermarks, reader.cache, reader.replicas, reader.primary))


def _with_old_copies(reader: Reader) -> Reader:
    return _OldReader(reader.watermarks, reader.cache, reader.replicas, reader.primary)


DEFECTS = (
    Defect(
        "replica_read_in_part",
        Step.REPLICATE,
        "What is read from the last replica lacks the description.",
        ChangeReader(_with_last_replica_in_part),
    ),
    Defect(
        "restart_forgets_writes",
        Step.REPLICATE,
        "A service that was restarted reads old versions from cache and replicas.",
        _with(_NothingRecalled),
    ),
    Defect(
        "watermark_not_announced",
        Step.REPLICATE,
        "Of several services only the one that made an update knows that older copies are outdated.",
        replace_stage(_SilentReplicate),
    ),
    Defect(
        "lagging_replica_believed",
        Step.REPLICATE,
        "What is not in the cache is read from a replica, in whatever version.",
        _with(_LaggingReplicaReader),
    ),
    Defect(
        "watermark_of_updates_only",
        Step.REPLICATE,
        "Reads that are not served by the cache do not wait for a delete.",
        replace_stage(_WatermarkOfUpdatesOnly),
    ),
    Defect(
        "create_not_read_yet",
        Step.REPLICATE,
        "One created resource in ten cannot be read for a tenth of a second.",
        ChangeStagesAndReader(replace_stage(_RemembersWhen), _with(_LateReader)),
    ),
    Defect(
        "replica_believed",
        Step.REPLICATE,
        "Reads go to a replica without regard to the reader's own write.",
        _with(_ReplicaReader),
    ),
    Defect(
        "deleted_is_read",
        Step.REPLICATE,
        "A read shows a resource that was deleted.",
        ChangeStagesAndReader(replace_stage(_KeepsBefore), _with(_ReadsDeleted)),
    ),
    Defect(
        "reads_old_version_one_in_ten",
        Step.REPLICATE,
        "One read in ten shows the version before an update.",
        ChangeStagesAndReader(replace_stage(_KeepsBefore), _with(_OneInTenReader)),
    ),
    Defect(
        "replica_lags",
        Step.REPLICATE,
        "The last replica shows what it receives seven seconds later.",
        ChangeReplicas("recovery_min_apply_delay = 7s\n"),
    ),
    Defect(
        "reads_old_version",
        Step.REPLICATE,
        "A read shows the version before the reader's own update.",
        ChangeStagesAndReader(replace_stage(_NoWatermark), ChangeReader(_with_old_copies)),
    ),
)
