"""Defects of step 13: reads after a write."""

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import ChangeReader, ChangeStagesAndReader, replace_stage
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.ports import Copy
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


def _with_old_copies(reader: Reader) -> Reader:
    return _OldReader(reader.watermarks, reader.cache, reader.replicas, reader.primary)


DEFECTS = (
    Defect(
        "reads_old_version",
        Step.REPLICATE,
        "A read shows the version before the reader's own update.",
        ChangeStagesAndReader(replace_stage(_NoWatermark), ChangeReader(_with_old_copies)),
    ),
)
