"""Defects of step 8: the unit of work."""

import contextlib
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from createflow.reference_server.defects.defect import Defect, Stages
from createflow.reference_server.defects.seeds import ChangeStages
from createflow.reference_server.domain.job import Job, Refused, Stage
from createflow.reference_server.domain.ports import Repository
from createflow.reference_server.domain.unit_of_work import CreateRow, UnitOfWork, UpdateRow
from createflow.reference_server.stages.api.service_router import ServiceRouter
from createflow.reference_server.stages.business.transaction import Transaction
from createflow.reference_server.stages.data.connection_pool import ConnectionPool
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


DEFECTS = (
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
