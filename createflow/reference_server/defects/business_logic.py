"""Step 7, broken."""

from createflow.reference_server.defects.twin import Swap, twin_of
from createflow.reference_server.job import Job
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


SWAPS: dict[Fault, Swap] = {
    Fault.IDEMPOTENCY_IGNORED: twin_of(Step.BUSINESS_LOGIC, IdempotencyIgnored),
    Fault.KEY_REUSE_ACCEPTED: twin_of(Step.BUSINESS_LOGIC, KeyReuseAccepted),
    Fault.IF_MATCH_IGNORED: twin_of(Step.BUSINESS_LOGIC, IfMatchIgnored),
}
