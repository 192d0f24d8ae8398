"""Step 10: add the audit entry (who, what, when) to the unit of work. It refuses nothing."""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.unit_of_work import AuditDraft
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Adds one audit entry to the unit; the database sets its time."""

    step: ClassVar[Step] = Step.AUDIT_LOG

    async def __call__(self, job: Job) -> Job:
        """Add the entry of a create, an update or a delete."""
        if job.unit is not None and job.op in {"create", "update", "delete"}:
            job.unit.audits.append(AuditDraft(job.op, job.principal.subject))
        return job
