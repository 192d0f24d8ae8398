"""Defects of step 7: domain rules."""

import asyncio
from dataclasses import replace

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import replace_stage
from createflow.reference_server.domain.job import Job
from createflow.reference_server.stages.business.business_logic import BusinessLogic
from createflow.schemas.flow import Step


class _IdempotencyIgnored(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job.idempotency_key = ""
        return await BusinessLogic.__call__(self, job)


class _KeyReuseAccepted(BusinessLogic):
    def fingerprint(self, job: Job) -> bytes:  # noqa: ARG002 - the healthy signature
        return b""


class _IfMatchIgnored(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job.if_match = ""
        return await BusinessLogic.__call__(self, job)


class _KeyShared(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job = await BusinessLogic.__call__(self, job)
        if job.op == "create" and job.idempotency_key:
            job.principal = replace(job.principal, subject="everybody")
        return job


class _ContentionCrashes(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        if job.op != "update":
            return await BusinessLogic.__call__(self, job)
        if job.resource_id in _BUSY:
            raise RuntimeError("deadlock detected")
        _BUSY.add(job.resource_id)
        try:
            await asyncio.sleep(0.02)
            return await BusinessLogic.__call__(self, job)
        finally:
            _BUSY.discard(job.resource_id)


_BUSY: set[str] = set()


DEFECTS = (
    Defect(
        "idempotency_ignored",
        Step.BUSINESS_LOGIC,
        "The same Idempotency-Key creates two resources.",
        replace_stage(_IdempotencyIgnored),
    ),
    Defect(
        "key_reuse_accepted",
        Step.BUSINESS_LOGIC,
        "An Idempotency-Key is accepted again with another body.",
        replace_stage(_KeyReuseAccepted),
    ),
    Defect(
        "if_match_ignored",
        Step.BUSINESS_LOGIC,
        "An update with a stale If-Match overwrites the resource.",
        replace_stage(_IfMatchIgnored),
    ),
    Defect(
        "key_shared",
        Step.BUSINESS_LOGIC,
        "An Idempotency-Key of one subject counts for all subjects.",
        replace_stage(_KeyShared),
    ),
    Defect(
        "contention_crashes",
        Step.BUSINESS_LOGIC,
        "Two concurrent updates of one resource are answered with 500.",
        replace_stage(_ContentionCrashes),
    ),
)
