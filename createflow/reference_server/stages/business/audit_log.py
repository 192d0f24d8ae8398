"""Step 10: who, what and when become part of the unit."""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.unit_of_work import AuditDraft
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Put one audit entry into the unit; the database says when."""

    step: ClassVar[Step] = Step.AUDIT_LOG

    async def __call__(self, job: Job) -> Job:
        """Add the entry."""
        if job.unit is not None and job.op in {"create", "update", "delete"}:
            job.unit.audits.append(AuditDraft(job.op, job.principal.subject))
        return job
