"""Defects of step 12: the write to the primary."""

from dataclasses import replace

import orjson

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import replace_stage
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.unit_of_work import DeleteRow
from createflow.reference_server.stages.data.write_primary import WritePrimary
from createflow.schemas.flow import Step


class _DropsDescription(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        if job.unit is None or isinstance(job.unit.change, DeleteRow):
            return await WritePrimary.__call__(self, job)
        job.unit.change = replace(job.unit.change, description="")
        job = await WritePrimary.__call__(self, job)
        shown = orjson.loads(job.document)
        shown["description"] = job.body["description"]
        job.document = orjson.dumps(shown)
        return job


DEFECTS = (
    Defect(
        "drops_description",
        Step.WRITE_PRIMARY,
        "The description is not stored, although the reply shows it.",
        replace_stage(_DropsDescription),
    ),
)
