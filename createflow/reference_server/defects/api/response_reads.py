"""Defects of step 16: reads with a condition, and HEAD."""

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import replace_stage
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.stages.api.response import Response
from createflow.schemas.flow import Step


class _FirstNoneMatchOnly(Response):
    async def __call__(self, job: Job) -> Job:
        job.if_none_match = job.if_none_match.partition(",")[0]
        return await Response.__call__(self, job)


class _WeakTagMatchesNothing(Response):
    async def __call__(self, job: Job) -> Job:
        job.if_none_match = job.if_none_match.replace('W/"', '"weak-')
        return await Response.__call__(self, job)


class _GoneIsNotModified(Response):
    def refuse(self, job: Job, refused: Refused) -> Job:
        if refused.status == 404 and job.op == "read" and job.if_none_match:
            job.status, job.headers, job.document = 304, [], b""
            return job
        return Response.refuse(self, job, refused)


class _HeadTellsNoLength(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.exchange is not None and job.exchange.method == "HEAD":
            job.document = b""
        return job


DEFECTS = (
    Defect(
        "first_none_match_only",
        Step.RESPONSE,
        "Of a list in If-None-Match only the first tag counts.",
        replace_stage(_FirstNoneMatchOnly),
    ),
    Defect(
        "weak_tag_matches_nothing",
        Step.RESPONSE,
        "A weak tag in If-None-Match matches nothing.",
        replace_stage(_WeakTagMatchesNothing),
    ),
    Defect(
        "gone_is_not_modified",
        Step.RESPONSE,
        "A read of what is not there is answered with 304 if it has an If-None-Match.",
        replace_stage(_GoneIsNotModified),
    ),
    Defect(
        "head_tells_no_length",
        Step.RESPONSE,
        "The reply to a HEAD says Content-Length: 0.",
        replace_stage(_HeadTellsNoLength),
    ),
)
