"""Step 10, broken."""

from dataclasses import replace

from createflow.reference_server.defects.twin import Swap, twin_of
from createflow.reference_server.domain.job import Job
from createflow.reference_server.stages.business.audit_log import AuditLog
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class AuditLost(AuditLog):
    """Writes nothing down."""

    async def __call__(self, job: Job) -> Job:
        """Leave the unit as it is."""
        return job


class AuditAnonymous(AuditLog):
    """Writes down what, and not who."""

    async def __call__(self, job: Job) -> Job:
        """An entry of nobody."""
        job = await AuditLog.__call__(self, job)
        if job.unit is not None:
            job.unit.audits = [replace(audit, actor="") for audit in job.unit.audits]
        return job


class AuditSplitsLines(AuditLog):
    """Writes lines, not entries."""

    async def __call__(self, job: Job) -> Job:
        """As many as the name has."""
        job = await AuditLog.__call__(self, job)
        if job.unit is not None and job.op == "create":
            job.unit.audits = [audit for audit in job.unit.audits for _ in job.body["name"].splitlines()]
        return job


SWAPS: dict[Fault, Swap] = {
    Fault.AUDIT_LOST: twin_of(Step.AUDIT_LOG, AuditLost),
    Fault.AUDIT_SPLITS_LINES: twin_of(Step.AUDIT_LOG, AuditSplitsLines),
    Fault.AUDIT_ANONYMOUS: twin_of(Step.AUDIT_LOG, AuditAnonymous),
}
