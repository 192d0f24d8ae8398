"""Step 7: domain rules: whose it is, which version is meant, and what an Idempotency-Key stands for."""

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import orjson

from createflow.reference_server.domain.etag import names_strongly, names_weakly
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.port import Rows
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class BusinessLogic:
    """Refuse what the domain does not allow before anything is written."""

    step: ClassVar[Step] = Step.BUSINESS_LOGIC
    rows: Rows

    async def __call__(self, job: Job) -> Job:
        """Set the row as it is now for an update or a delete, and the fingerprint for a key.

        Raises:
            Refused: 403, 404 or 412.
        """
        if job.op in {"update", "delete"}:
            current = await self.rows.current(job.resource_id)
            if current is None:
                raise Refused(404, "not_found", "There is no such resource.")
            if current.owner != job.principal.subject and "others" not in job.principal.permissions:
                raise Refused(403, "permission_denied", "Only its creator may change a resource.")
            if (job.if_match and not names_strongly(job.if_match, current.version)) or (
                job.if_none_match and names_weakly(job.if_none_match, current.version)
            ):
                raise Refused(412, "precondition_failed", "The resource has another version by now.")
            job.current = current
        if job.idempotency_key:
            job.fingerprint = self.fingerprint(job)
        return job

    def fingerprint(self, job: Job) -> bytes:
        """What makes two requests with one Idempotency-Key the same request."""
        return hashlib.sha256(orjson.dumps(job.body, option=orjson.OPT_SORT_KEYS)).digest()
