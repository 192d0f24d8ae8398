"""Step 8: opens the unit of work, which step 12 commits."""

from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.unit_of_work import ROW_STATEMENTS, KeyClaim, Unit
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class Transaction:
    """Say what the commit writes to the resource itself; the next steps add to the same unit."""

    step: ClassVar[Step] = Step.TRANSACTION
    stream: str

    async def __call__(self, job: Job) -> Job:
        """Set the unit."""
        job.unit = self.open(job)
        return job

    def open(self, job: Job) -> Unit:
        """The unit with the row's own statement."""
        subject = job.principal.subject
        if job.op == "create":
            unit = Unit(ROW_STATEMENTS["create"], self._fields(job), job.request_id, self.stream)
            unit.row["subject"] = subject
            if job.idempotency_key:
                unit.claim = KeyClaim(subject, job.idempotency_key, job.fingerprint)
            return unit
        # Without If-Match the last writer wins; with it, the version that step 7 saw must still be there.
        conditional = job.if_match.strip() not in {"", "*"}
        expected = job.current.version if job.current and conditional else None
        row: dict[str, Any] = {"id": job.resource_id, "expected": expected}
        if job.op == "update":
            return Unit(ROW_STATEMENTS["update"], {**self._fields(job), **row}, job.request_id, self.stream)
        return Unit(ROW_STATEMENTS["delete"], row, job.request_id, self.stream)

    def _fields(self, job: Job) -> dict[str, Any]:
        body = job.body
        metadata = orjson.dumps(body["metadata"]).decode()
        return {"name": body["name"], "description": body["description"], "metadata": metadata}
