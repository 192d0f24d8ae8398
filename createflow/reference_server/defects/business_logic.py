"""Step 7, broken."""

import asyncio
from dataclasses import replace

from createflow.reference_server.defects.twin import Swap, twin_of
from createflow.reference_server.domain.job import Job
from createflow.reference_server.stages.business.business_logic import BusinessLogic
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class IdempotencyIgnored(BusinessLogic):
    """Does not look at the key."""

    async def __call__(self, job: Job) -> Job:
        """Every request is a new one."""
        job.idempotency_key = ""
        return await BusinessLogic.__call__(self, job)


class KeyReuseAccepted(BusinessLogic):
    """Looks at the key and not at the body."""

    def fingerprint(self, job: Job) -> bytes:  # noqa: ARG002 - the healthy signature
        """All bodies are the same."""
        return b""


class IfMatchIgnored(BusinessLogic):
    """Lets the last writer win, asked or not."""

    async def __call__(self, job: Job) -> Job:
        """No condition."""
        job.if_match = ""
        return await BusinessLogic.__call__(self, job)


class KeyShared(BusinessLogic):
    """Asks what the key is, not whose."""

    async def __call__(self, job: Job) -> Job:
        """One owner of all keys."""
        job = await BusinessLogic.__call__(self, job)
        if job.op == "create" and job.idempotency_key:
            job.principal = replace(job.principal, subject="everybody")
        return job


class ContentionCrashes(BusinessLogic):
    """Cannot do two things with one resource."""

    async def __call__(self, job: Job) -> Job:
        """Stumble over the other."""
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

SWAPS: dict[Fault, Swap] = {
    Fault.IDEMPOTENCY_IGNORED: twin_of(Step.BUSINESS_LOGIC, IdempotencyIgnored),
    Fault.KEY_REUSE_ACCEPTED: twin_of(Step.BUSINESS_LOGIC, KeyReuseAccepted),
    Fault.KEY_SHARED: twin_of(Step.BUSINESS_LOGIC, KeyShared),
    Fault.CONTENTION_CRASHES: twin_of(Step.BUSINESS_LOGIC, ContentionCrashes),
    Fault.IF_MATCH_IGNORED: twin_of(Step.BUSINESS_LOGIC, IfMatchIgnored),
}
