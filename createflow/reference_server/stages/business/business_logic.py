"""Step 7: domain rules: the owner of a resource, the version that a request expects, the body of an Idempotency-Key.

It refuses with 403 (not the owner), 404 (no such resource), 412 (a precondition does not hold) and 428
(no precondition, where one is required).
"""

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import orjson

from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.ports import Repository
from createflow.reference_server.domain.preconditions import if_match_holds, if_none_match_holds
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class BusinessLogic:
    """Refuses what the domain does not allow, before anything is written."""

    step: ClassVar[Step] = Step.BUSINESS_LOGIC
    repository: Repository
    private: bool = False
    """Whether the resources of others are as missing."""
    conditional_updates: bool = False
    """Whether an update or a delete must name the version (RFC 6585 §3)."""

    async def __call__(self, job: Job) -> Job:
        """Set the current row for an update or a delete, and the fingerprint of the body for an Idempotency-Key.

        Raises:
            Refused: 403, 404, 412 or 428.
        """
        if job.op in {"update", "delete"}:
            current = await self.repository.current(job.resource_id)
            if current is None:
                raise Refused(404, "not_found", "There is no such resource.")
            if current.owner != job.principal.subject and "others" not in job.principal.permissions:
                if self.private:
                    raise Refused(404, "not_found", "There is no such resource.")
                raise Refused(403, "permission_denied", "Only its creator may change a resource.")
            if self.conditional_updates and not job.if_match:
                raise Refused(428, "precondition_required", "If-Match must name the version.")
            if not if_match_holds(job.if_match, current.version) or not if_none_match_holds(
                job.if_none_match, current.version
            ):
                raise Refused(412, "precondition_failed", "The resource has another version by now.")
            job.current = current
        if job.idempotency_key:
            job.fingerprint = self.fingerprint(job)
        return job

    def fingerprint(self, job: Job) -> bytes:
        """Return a hash of the body: requests with one Idempotency-Key must have the same."""
        return hashlib.sha256(orjson.dumps(job.body, option=orjson.OPT_SORT_KEYS)).digest()
