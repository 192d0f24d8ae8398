"""Step 8, broken: there is more than one commit, or one too many."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import orjson

from createflow.reference_server.defects.twin import Stages, Swap
from createflow.reference_server.domain.job import Job, Refused, Stage
from createflow.reference_server.domain.port import Rows
from createflow.reference_server.domain.unit_of_work import Unit
from createflow.reference_server.stages.api.service_router import ServiceRouter
from createflow.reference_server.stages.business.transaction import Transaction
from createflow.reference_server.stages.data.connection_pool import ConnectionPool
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step

_ADOPT = "SELECT id, version, resource_document(resources) AS document FROM resources WHERE id = %(id)s"


@dataclass(frozen=True, slots=True)
class NoRollback:
    """Commits the row before anybody knows whether the rest of the unit can be written."""

    step: ClassVar[Step] = Step.TRANSACTION
    healthy: Transaction
    rows: Rows

    async def __call__(self, job: Job) -> Job:
        """Write the row, and leave a unit that only adds to it."""
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


class KeepsRow:
    """Stores what an inner stage has refused."""

    def __init__(self, inner: Stage, router: ServiceRouter) -> None:
        self.step = inner.step
        self._inner = inner
        self._router = router

    async def __call__(self, job: Job) -> Job:
        """Refuse, too late."""
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


def _no_rollback(stages: Sequence[Stage]) -> Stages:
    pool = next((stage for stage in stages if isinstance(stage, ConnectionPool)), None)
    return tuple(NoRollback(stage, pool.rows) if isinstance(stage, Transaction) and pool else stage for stage in stages)


def _row_kept(stages: Sequence[Stage]) -> Stages:
    """A create can be refused by several stages; the defect is the same."""
    router = next((stage for stage in stages if isinstance(stage, ServiceRouter)), None)
    wrapped = {Step.AUTH_CHECK, Step.RATE_LIMIT, Step.VALIDATION, Step.SERVICE_ROUTER}
    return tuple(KeepsRow(stage, router) if router and stage.step in wrapped else stage for stage in stages)


SWAPS: dict[Fault, Swap] = {Fault.ROW_KEPT_AFTER_REFUSAL: _row_kept, Fault.NO_ROLLBACK: _no_rollback}
