"""Step 13, broken: a replica that has not heard of the last change, and a reader who does not mind."""

from createflow.reference_server.defects.twin import Swap, twin_of
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.port import Copy
from createflow.reference_server.domain.reads import Reader
from createflow.reference_server.stages.data.replicate import Replicate
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step

_BEFORE: dict[str, Copy] = {}
"""Shared by the two halves of the defect, which live in one process."""


class NoFloor(Replicate):
    """Raises no floor, and remembers what was there before the change."""

    async def __call__(self, job: Job) -> Job:
        """Keep the old copy."""
        if job.current is not None:
            _BEFORE[job.resource_id] = Copy(job.current.version, job.current.document)
        return job


class OldReader(Reader):
    """Reads what was there before."""

    async def read(self, resource_id: str) -> Copy | None:
        """The copy before the last change."""
        return _BEFORE.get(resource_id) or await Reader.read(self, resource_id)


SWAPS: dict[Fault, Swap] = {Fault.READS_OLD_VERSION: twin_of(Step.REPLICATE, NoFloor)}
