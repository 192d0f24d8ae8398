"""Defects of step 10: the audit entry of a write."""

from dataclasses import replace
from typing import ClassVar

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import replace_stage, trigger, turn
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.unit_of_work import AuditDraft
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


class _AuditActorCut(AuditLog):
    async def __call__(self, job: Job) -> Job:
        job = await AuditLog.__call__(self, job)
        if job.unit is not None:
            job.unit.audits = [replace(audit, actor=audit.actor[:64]) for audit in job.unit.audits]
        return job


class _AuditActorLower(AuditLog):
    async def __call__(self, job: Job) -> Job:
        job = await AuditLog.__call__(self, job)
        if job.unit is not None:
            job.unit.audits = [replace(audit, actor=audit.actor.lower()) for audit in job.unit.audits]
        return job


class _AuditOnceARequestId(AuditLog):
    async def __call__(self, job: Job) -> Job:
        request = (job.request_id, job.op)
        if request in _ENTERED:
            return job
        _ENTERED.add(request)
        return await AuditLog.__call__(self, job)


class _AuditSplitsLines(AuditLog):
    async def __call__(self, job: Job) -> Job:
        job = await AuditLog.__call__(self, job)
        if job.unit is not None and job.op == "create":
            job.unit.audits = [audit for audit in job.unit.audits for _ in job.body["name"].splitlines()]
        return job


class _AuditChanged(AuditLog):
    """Changes the entries of an update or a delete."""

    op: ClassVar[str] = "update"

    async def __call__(self, job: Job) -> Job:
        job = await AuditLog.__call__(self, job)
        if job.unit is not None and job.op == self.op:
            job.unit.audits = [entry for audit in job.unit.audits for entry in self.changed(audit)]
        return job

    def changed(self, audit: AuditDraft) -> tuple[AuditDraft, ...]:  # noqa: ARG002 - mutants use it
        return ()


class _AuditLostOnDelete(_AuditChanged):
    op = "delete"


class _AuditWrongActorOnUpdate(_AuditChanged):
    def changed(self, audit: AuditDraft) -> tuple[AuditDraft, ...]:
        return (replace(audit, actor="system"),)


class _AuditDeleteAsUpdate(_AuditChanged):
    op = "delete"

    def changed(self, audit: AuditDraft) -> tuple[AuditDraft, ...]:
        return (replace(audit, action="update"),)


class _AuditTwiceOnUpdate(_AuditChanged):
    def changed(self, audit: AuditDraft) -> tuple[AuditDraft, ...]:
        return (audit, audit)


_ENTERED: set[tuple[str, str]] = set()
_ENTRY = "BEFORE INSERT ON audit_log"
_NEWEST_OLDER = "SELECT max(id) FROM audit_log WHERE occurred_at < now() - interval '500 ms'"


DEFECTS = (
    Defect(
        "audit_actor_of_group",
        Step.AUDIT_LOG,
        "Of creates that are written together each audit entry has the actor of the first.",
        trigger(
            "audit_actor_of_group",
            "BEFORE INSERT ON audit_log",
            "NEW.actor := coalesce((SELECT actor FROM audit_log WHERE xmin = pg_current_xact_id()::xid ORDER BY id"
            " LIMIT 1), NEW.actor); RETURN NEW;",
        ),
    ),
    Defect(
        "audit_request_of_create",
        Step.AUDIT_LOG,
        "The audit entry of an update or delete has the request id of the create.",
        trigger(
            "audit_request_of_create",
            "BEFORE INSERT ON audit_log",
            "IF NEW.action <> 'create' THEN NEW.request_id := (SELECT request_id FROM audit_log WHERE"
            " resource_id = NEW.resource_id AND action = 'create'); END IF; RETURN NEW;",
        ),
    ),
    Defect("audit_lost_on_update", Step.AUDIT_LOG, "An update writes no audit entry.", replace_stage(_AuditChanged)),
    Defect(
        "audit_lost_on_delete", Step.AUDIT_LOG, "A delete writes no audit entry.", replace_stage(_AuditLostOnDelete)
    ),
    Defect(
        "audit_wrong_actor_on_update",
        Step.AUDIT_LOG,
        "The audit entry of an update names another actor.",
        replace_stage(_AuditWrongActorOnUpdate),
    ),
    Defect(
        "audit_delete_as_update",
        Step.AUDIT_LOG,
        "The audit entry of a delete says update.",
        replace_stage(_AuditDeleteAsUpdate),
    ),
    Defect(
        "audit_twice_on_update",
        Step.AUDIT_LOG,
        "An update writes two audit entries.",
        replace_stage(_AuditTwiceOnUpdate),
    ),
    Defect(
        "audit_wrong_time",
        Step.AUDIT_LOG,
        "Audit entries have the day without the time.",
        trigger("audit_wrong_time", _ENTRY, "NEW.occurred_at := date_trunc('day', now()); RETURN NEW;"),
    ),
    Defect(
        "audit_wrong_request",
        Step.AUDIT_LOG,
        "Audit entries have another request id than the reply.",
        trigger("audit_wrong_request", _ENTRY, "NEW.request_id := 'unknown'; RETURN NEW;"),
    ),
    Defect(
        "audit_lost_one_in_ten",
        Step.AUDIT_LOG,
        "One audit entry in ten is not written.",
        trigger(
            "audit_lost_one_in_ten",
            _ENTRY,
            f"IF {turn('audit_lost_one_in_ten', 10)} THEN RETURN NULL; END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "audit_wrong_resource",
        Step.AUDIT_LOG,
        "One audit entry in ten is about a resource that does not exist.",
        trigger(
            "audit_wrong_resource",
            _ENTRY,
            f"IF {turn('audit_wrong_resource', 10)} THEN NEW.resource_id := uuidv7(); END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "audit_vanishes",
        Step.AUDIT_LOG,
        "One audit entry in ten removes an earlier one.",
        trigger(
            "audit_vanishes",
            "AFTER INSERT ON audit_log",
            f"IF {turn('audit_vanishes', 10)} THEN DELETE FROM audit_log WHERE id = ({_NEWEST_OLDER}); END IF;"
            " RETURN NULL;",
        ),
    ),
    Defect(
        "audit_rewritten",
        Step.AUDIT_LOG,
        "One audit entry in ten changes the actor of an earlier one.",
        trigger(
            "audit_rewritten",
            "AFTER INSERT ON audit_log",
            f"IF {turn('audit_rewritten', 10)} THEN UPDATE audit_log SET actor = 'nobody' WHERE id = ({_NEWEST_OLDER});"
            " END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "audit_actor_cut",
        Step.AUDIT_LOG,
        "Audit entries have the first 64 characters of the subject.",
        replace_stage(_AuditActorCut),
    ),
    Defect(
        "audit_actor_lower",
        Step.AUDIT_LOG,
        "Audit entries have the subject in lower case.",
        replace_stage(_AuditActorLower),
    ),
    Defect(
        "audit_time_of_create",
        Step.AUDIT_LOG,
        "The audit entry of an update has the time of the create.",
        trigger(
            "audit_time_of_create",
            _ENTRY,
            "NEW.occurred_at := coalesce((SELECT created_at FROM resources WHERE id = NEW.resource_id),"
            " NEW.occurred_at); RETURN NEW;",
        ),
    ),
    Defect(
        "audit_once_a_request_id",
        Step.AUDIT_LOG,
        "Of several writes of one kind with one request id only the first has an audit entry.",
        replace_stage(_AuditOnceARequestId),
    ),
    Defect("audit_lost", Step.AUDIT_LOG, "A create writes no audit entry.", replace_stage(_AuditLost)),
    Defect("audit_anonymous", Step.AUDIT_LOG, "The audit entry has no actor.", replace_stage(_AuditAnonymous)),
    Defect(
        "audit_splits_lines",
        Step.AUDIT_LOG,
        "A name of several lines makes several audit entries.",
        replace_stage(_AuditSplitsLines),
    ),
)
