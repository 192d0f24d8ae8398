"""Defects of step 8: the unit of work."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from createflow.reference_server.adapters.postgres_repository import PostgresRepository
from createflow.reference_server.defects.defect import Defect, Stages
from createflow.reference_server.defects.seeds import WORKS_S, ChangeStages, recast, replace_stage
from createflow.reference_server.domain.job import Job, Refused, Stage
from createflow.reference_server.domain.ports import Repository
from createflow.reference_server.domain.preconditions import if_match_holds
from createflow.reference_server.domain.unit_of_work import CreateRow, DeleteRow, UnitOfWork, UpdateRow
from createflow.reference_server.stages.api.service_router import ServiceRouter
from createflow.reference_server.stages.business.business_logic import BusinessLogic
from createflow.reference_server.stages.business.transaction import Transaction
from createflow.reference_server.stages.data.connection_pool import ConnectionPool
from createflow.reference_server.stages.data.invalidate_cache import InvalidateCache
from createflow.reference_server.stages.data.write_primary import WritePrimary
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class _NoRollback:
    """Commits the row at once; what step 12 commits later is an update of it, with the event and the audit entry."""

    step: ClassVar[Step] = Step.TRANSACTION
    healthy: Transaction
    repository: Repository

    async def __call__(self, job: Job) -> Job:
        job = await self.healthy(job)
        if job.unit is None or not isinstance(job.unit.change, CreateRow):
            return job
        create = job.unit.change
        row_only = UnitOfWork(create, job.unit.request_id, job.unit.stream)
        lease = await self.repository.acquire()
        try:
            written = await self.repository.write(lease, row_only)
        finally:
            await lease.release()
        if written is not None:
            job.unit.change = UpdateRow(written.resource_id, None, create.name, create.description, create.metadata)
        return job


class _KeepsRow:
    """Stores what the inner stage has refused."""

    def __init__(self, inner: Stage, router: ServiceRouter) -> None:
        self.step = inner.step
        self._inner = inner
        self._router = router

    async def __call__(self, job: Job) -> Job:
        try:
            return await self._inner(job)
        except Refused:
            if job.op == "create":
                await self._store(job)
            raise

    async def _store(self, job: Job) -> None:
        with contextlib.suppress(Refused, ValueError, UnicodeError):
            body: Any = orjson.loads(await job.receive_body())
            if not isinstance(body, dict) or not isinstance(body.get("name"), str):
                return
            kept = Job(request_id=job.request_id, op="create", principal=job.principal)
            kept.body = {"name": body["name"], "description": "", "metadata": {}}
            await self._router(kept)


class _LostUpdate(Transaction):
    """Compares the version, works for a while, and writes without another look at it.

    The reference itself takes less time from the one to the other than it collects requests for.
    """

    async def __call__(self, job: Job) -> Job:
        job = await Transaction.__call__(self, job)
        if job.op == "update" and job.if_match:
            await asyncio.sleep(WORKS_S)
        return job

    def open_unit(self, job: Job) -> UnitOfWork:
        unit = Transaction.open_unit(self, job)
        if isinstance(unit.change, UpdateRow):
            unit.change.expected_version = None
        return unit


class _RefusedUpdateStored(BusinessLogic):
    """Lets an update through, and refuses it once it is written."""

    async def __call__(self, job: Job) -> Job:
        condition = job.if_match
        if job.op == "update" and condition:
            job.if_match = ""
            job = await BusinessLogic.__call__(self, job)
            if job.current is not None and not if_match_holds(condition, job.current.version):
                _REFUSED_LATER.add(job.request_id)
            job.if_match = "" if job.request_id in _REFUSED_LATER else condition
            return job
        return await BusinessLogic.__call__(self, job)


class _RefusesLate(InvalidateCache):
    async def __call__(self, job: Job) -> Job:
        job = await InvalidateCache.__call__(self, job)
        if job.request_id in _REFUSED_LATER:
            _REFUSED_LATER.discard(job.request_id)
            raise Refused(412, "precondition_failed", "The resource has another version by now.")
        return job


class _RefusalTakenBack(_KeepsRow):
    """Carries out what the inner stage has refused, and deletes it again."""

    async def _store(self, job: Job) -> None:
        with contextlib.suppress(Refused, ValueError, UnicodeError):
            body: Any = orjson.loads(await job.receive_body())
            if not isinstance(body, dict) or not isinstance(body.get("name"), str):
                return
            kept = Job(request_id=job.request_id, op="create", principal=job.principal)
            kept.body = {"name": body["name"], "description": "", "metadata": {}}
            await self._router(kept)
            taken_back = Job(request_id=job.request_id, op="delete", principal=job.principal)
            taken_back.resource_id = kept.resource_id
            await self._router(taken_back)


class _TracesOfRefusal(BusinessLogic):
    """Writes the event or the audit entry of an update that it refuses."""

    sql: ClassVar[str] = ""

    async def __call__(self, job: Job) -> Job:
        try:
            return await BusinessLogic.__call__(self, job)
        except Refused as refused:
            current = await self.repository.current(job.resource_id) if refused.status == 412 else None
            if current is not None and isinstance(self.repository, PostgresRepository):
                values = {
                    "id": job.resource_id,
                    "actor": job.principal.subject,
                    "request_id": job.request_id,
                    "version": current.version + 1,
                    "document": current.document.decode(),
                }
                await self.repository._pool.fetch(self.sql, values)  # noqa: SLF001 - a mutant
            raise


class _AuditOfRefusal(_TracesOfRefusal):
    sql = (
        "INSERT INTO audit_log (actor, action, resource_id, outcome, request_id)"
        " VALUES (%(actor)s, 'update', %(id)s, 'success', %(request_id)s) RETURNING 1"
    )


class _AuditOfLostUpdate(WritePrimary):
    """Writes the audit entry of an update that came too late: its version was there when it was looked at."""

    async def __call__(self, job: Job) -> Job:
        try:
            return await WritePrimary.__call__(self, job)
        except Refused as refused:
            if refused.status == 412 and isinstance(self.repository, PostgresRepository):
                values = {"id": job.resource_id, "actor": job.principal.subject, "request_id": job.request_id}
                await self.repository._pool.fetch(_AuditOfRefusal.sql, values)  # noqa: SLF001 - a mutant
            raise


class _AuditOutsideOnDelete(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        if job.op == "delete" and job.unit is not None and isinstance(self.repository, PostgresRepository):
            values = {"id": job.resource_id, "actor": job.principal.subject, "request_id": job.request_id}
            sql = _AuditOfRefusal.sql.replace("'update'", "'delete'")
            await self.repository._pool.fetch(sql, values)  # noqa: SLF001 - a mutant
            job.unit.audits.clear()
        return await WritePrimary.__call__(self, job)


class _EventOfRefusal(_TracesOfRefusal):
    sql = (
        "INSERT INTO outbox (stream, type, resource_id, version, actor, request_id, data)"
        " SELECT stream, 'updated', %(id)s, %(version)s, %(actor)s, %(request_id)s, %(document)s"
        " FROM outbox WHERE resource_id = %(id)s LIMIT 1 RETURNING 1"
    )


_REFUSED_LATER: set[str] = set()


def _refuse_late(stages: Stages) -> Stages:
    mutants = {Step.BUSINESS_LOGIC: _RefusedUpdateStored, Step.INVALIDATE_CACHE: _RefusesLate}
    return tuple(recast(stage, mutants[stage.step]) if stage.step in mutants else stage for stage in stages)


def _take_back(stages: Stages) -> Stages:
    router = next((stage for stage in stages if isinstance(stage, ServiceRouter)), None)
    wrapped = {Step.RATE_LIMIT, Step.VALIDATION}
    return tuple(_RefusalTakenBack(stage, router) if router and stage.step in wrapped else stage for stage in stages)


def _commit_row_first(stages: Stages) -> Stages:
    pool = next((stage for stage in stages if isinstance(stage, ConnectionPool)), None)
    return tuple(
        _NoRollback(stage, pool.repository) if isinstance(stage, Transaction) and pool else stage for stage in stages
    )


def _keep_row(stages: Stages) -> Stages:
    # Several stages can refuse a create; the defect is the same.
    router = next((stage for stage in stages if isinstance(stage, ServiceRouter)), None)
    wrapped = {Step.AUTH_CHECK, Step.RATE_LIMIT, Step.VALIDATION, Step.SERVICE_ROUTER}
    return tuple(_KeepsRow(stage, router) if router and stage.step in wrapped else stage for stage in stages)


class _DeleteAfterUpdate(Transaction):
    """Compares the version, works for a while, and deletes without another look at it."""

    async def __call__(self, job: Job) -> Job:
        job = await Transaction.__call__(self, job)
        if job.op == "delete" and job.if_match:
            await asyncio.sleep(WORKS_S)
        return job

    def open_unit(self, job: Job) -> UnitOfWork:
        unit = Transaction.open_unit(self, job)
        if isinstance(unit.change, DeleteRow):
            unit.change.expected_version = None
        return unit


DEFECTS = (
    Defect(
        "delete_after_update",
        Step.TRANSACTION,
        "A delete that names a version is carried out although an update of that version came before it.",
        replace_stage(_DeleteAfterUpdate),
    ),
    Defect(
        "audit_outside_on_delete",
        Step.TRANSACTION,
        "The audit entry of a delete is written before its transaction: it stays when the delete fails.",
        replace_stage(_AuditOutsideOnDelete),
    ),
    Defect(
        "lost_update",
        Step.TRANSACTION,
        "Of concurrent updates with the same If-Match several are accepted.",
        replace_stage(_LostUpdate),
    ),
    Defect(
        "refused_update_stored",
        Step.TRANSACTION,
        "An update that is refused with 412 is stored.",
        ChangeStages("service", _refuse_late),
    ),
    Defect(
        "refusal_taken_back",
        Step.TRANSACTION,
        "A refused create is carried out and deleted again: its events and audit entries stay.",
        ChangeStages("gateway", _take_back),
    ),
    Defect(
        "audit_of_refused_update",
        Step.TRANSACTION,
        "An update that is refused with 412 has an audit entry of success.",
        replace_stage(_AuditOfRefusal),
    ),
    Defect(
        "audit_of_lost_update",
        Step.TRANSACTION,
        "Of several updates of one version each has an audit entry, and one is carried out.",
        replace_stage(_AuditOfLostUpdate),
    ),
    Defect(
        "event_of_refused_update",
        Step.TRANSACTION,
        "An update that is refused with 412 is published.",
        replace_stage(_EventOfRefusal),
    ),
    Defect(
        "row_kept_after_refusal", Step.TRANSACTION, "A refused create leaves a row.", ChangeStages("gateway", _keep_row)
    ),
    Defect(
        "no_rollback",
        Step.TRANSACTION,
        "The row is committed first: it stays when the rest of the unit of work fails.",
        ChangeStages("service", _commit_row_first),
    ),
)
