"""Defects of step 10: the audit entry of a write."""

from dataclasses import replace

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import replace_stage
from createflow.reference_server.domain.job import Job
from createflow.reference_server.stages.business.audit_log import AuditLog
from createflow.schemas.flow import Step


class _AuditLost(AuditLog):
    async def __call__(self, job: Job) -> Job:
        return job


class _AuditAnonymous(AuditLog):
    async def __call__(self, job: Job) -> Job:
        job = await AuditLog.__call__(self, job)
        if job.unit is not None:
            job.unit.audits = [replace(audit, actor="") for audit in job.unit.audits]
        return job


class _AuditSplitsLines(AuditLog):
    async def __call__(self, job: Job) -> Job:
        job = await AuditLog.__call__(self, job)
        if job.unit is not None and job.op == "create":
            job.unit.audits = [audit for audit in job.unit.audits for _ in job.body["name"].splitlines()]
        return job


DEFECTS = (
    Defect("audit_lost", Step.AUDIT_LOG, "A create writes no audit entry.", replace_stage(_AuditLost)),
    Defect("audit_anonymous", Step.AUDIT_LOG, "The audit entry has no actor.", replace_stage(_AuditAnonymous)),
    Defect(
        "audit_splits_lines",
        Step.AUDIT_LOG,
        "A name of several lines makes several audit entries.",
        replace_stage(_AuditSplitsLines),
    ),
)
