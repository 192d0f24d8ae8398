"""Defects of step 8: the unit of work."""

import contextlib
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import orjson

from createflow.reference_server.defects.defect import ChangeStages, Defect, Stages
from createflow.reference_server.domain.job import Job, Refused, Stage
from createflow.reference_server.domain.port import Rows
from createflow.reference_server.domain.unit_of_work import Unit
from createflow.reference_server.stages.api.service_router import ServiceRouter
from createflow.reference_server.stages.business.transaction import Transaction
from createflow.reference_server.stages.data.connection_pool import ConnectionPool
from createflow.schemas.flow import Step

_ADOPT = "SELECT id, version, resource_document(resources) AS document FROM resources WHERE id = %(id)s"


@dataclass(frozen=True, slots=True)
class _NoRollback:
    step: ClassVar[Step] = Step.TRANSACTION
    healthy: Transaction
    rows: Rows

    async def __call__(self, job: Job) -> Job:
        job = await self.healthy(job)
        if job.op != "create" or job.unit is None:
            return job
        row_only = Unit(job.unit.row_statement, job.unit.row, job.unit.request_id, job.unit.stream)
        lease = await self.rows.acquire()
        try:
            written = await self.rows.write(lease, row_only)
        finally:
            await lease.release()
        if written is not None:
            job.unit = replace(job.unit, row_statement=_ADOPT, row={"id": written.resource_id})
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
            body: Any = orjson.loads(job.raw)
            if not isinstance(body, dict) or not isinstance(body.get("name"), str):
                return
            kept = Job(request_id=job.request_id, op="create", principal=job.principal)
            kept.body = {"name": body["name"], "description": "", "metadata": {}}
            await self._router(kept)


def _commit_row_first(stages: Stages) -> Stages:
    pool = next((stage for stage in stages if isinstance(stage, ConnectionPool)), None)
    return tuple(
        _NoRollback(stage, pool.rows) if isinstance(stage, Transaction) and pool else stage for stage in stages
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
