"""Step 12, broken."""

import orjson

from createflow.reference_server.defects.twin import Swap, twin_of
from createflow.reference_server.domain.job import Job
from createflow.reference_server.stages.data.write_primary import WritePrimary
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class DropsDescription(WritePrimary):
    """Stores less than it says."""

    async def __call__(self, job: Job) -> Job:
        """Forget the description, and show it all the same."""
        if job.unit is None or "description" not in job.unit.row:
            return await WritePrimary.__call__(self, job)
        job.unit.row["description"] = ""
        job = await WritePrimary.__call__(self, job)
        shown = orjson.loads(job.document)
        shown["description"] = job.body["description"]
        job.document = orjson.dumps(shown)
        return job


SWAPS: dict[Fault, Swap] = {Fault.DROPS_DESCRIPTION: twin_of(Step.WRITE_PRIMARY, DropsDescription)}
