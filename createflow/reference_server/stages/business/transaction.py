"""Step 8: open the unit of work that step 12 commits. It refuses nothing."""

from dataclasses import dataclass
from typing import ClassVar

import orjson

from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.unit_of_work import (
    CreateRow,
    DeleteRow,
    IdempotencyClaim,
    UnitOfWork,
    UpdateRow,
)
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class Transaction:
    """Starts the unit with the change of the resource itself; steps 9 and 10 add to the same unit."""

    step: ClassVar[Step] = Step.TRANSACTION
    stream: str

    async def __call__(self, job: Job) -> Job:
        """Set the unit."""
        job.unit = self.open_unit(job)
        return job

    def open_unit(self, job: Job) -> UnitOfWork:
        """Return the unit of a create, an update or a delete."""
        body = job.body
        if job.op == "create":
            subject = job.principal.subject
            create = CreateRow(body["name"], body["description"], _as_json(body), subject)
            unit = UnitOfWork(create, job.request_id, self.stream)
            if job.idempotency_key:
                unit.claim = IdempotencyClaim(subject, job.idempotency_key, job.fingerprint)
            return unit
        # Without If-Match the last writer wins; with it, the version that step 7 saw must still be there.
        is_conditional = job.if_match.strip() not in {"", "*"}
        expected = job.current.version if job.current and is_conditional else None
        if job.op == "update":
            update = UpdateRow(job.resource_id, expected, body["name"], body["description"], _as_json(body))
            return UnitOfWork(update, job.request_id, self.stream)
        return UnitOfWork(DeleteRow(job.resource_id, expected), job.request_id, self.stream)


def _as_json(body: dict[str, object]) -> str:
    return orjson.dumps(body["metadata"]).decode()
