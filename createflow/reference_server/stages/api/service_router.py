"""Step 6: a live instance of the service, a deadline, and a breaker in front of a dead one."""

import time
from dataclasses import dataclass
from typing import ClassVar

import orjson

from createflow.reference_server.domain.circuit_breaker import Breaker, BreakerOpenError
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.port import Answer, Bus, UnavailableError, UnknownOutcomeError
from createflow.schemas.flow import Step

_RETRY_AFTER_S = 1.0
_SICK_CODES = frozenset({"database_error", "service_unavailable", "outcome_unknown", "internal_error"})


@dataclass(frozen=True, slots=True)
class ServiceRouter:
    """Ask one instance through the bus; refuse at once while the last answers say that asking is useless."""

    step: ClassVar[Step] = Step.SERVICE_ROUTER
    bus: Bus
    breakers: dict[str, Breaker]
    """For ``read`` and ``write``: a database that cannot be written may still be read."""
    timeout_s: float

    async def __call__(self, job: Job) -> Job:
        """Set id, version and document from the answer.

        Raises:
            Refused: what the service refused with; 503 when none is there, 504 when it did not answer.
        """
        breaker = self.breakers["read" if job.op in {"read", "search"} else "write"]
        try:
            era = breaker.enter()
        except BreakerOpenError as error:
            detail = "The service has failed repeatedly and is left alone for a moment."
            raise self.unavailable(detail, error.wait_s) from None
        healthy = None
        try:
            answer = await self._ask(job)
            healthy = answer.code not in _SICK_CODES
        except UnavailableError:
            healthy = False
            raise self.unavailable("No instance of the service is there.", _RETRY_AFTER_S) from None
        except UnknownOutcomeError:
            healthy = False
            detail = "The service did not answer in time: the request may or may not have been carried out."
            raise Refused(504, "outcome_unknown", detail) from None
        finally:
            breaker.leave(era, healthy=healthy)
        return self._take(job, answer)

    async def _ask(self, job: Job) -> Answer:
        envelope = orjson.dumps(
            {
                "op": job.op,
                "request_id": job.request_id,
                "deadline_s": time.time() + self.timeout_s,
                "subject": job.principal.subject,
                "permissions": sorted(job.principal.permissions),
                "id": job.resource_id,
                "body": job.body,
                "if_match": job.if_match,
                "if_none_match": job.if_none_match,
                "idempotency_key": job.idempotency_key,
                "query": job.query,
            }
        )
        return await self.bus.request(envelope)

    def unavailable(self, detail: str, wait_s: float) -> Refused:
        """The 503."""
        return Refused(503, "service_unavailable", detail, retry_after_s=wait_s)

    def _take(self, job: Job, answer: Answer) -> Job:
        job.timings.extend(answer.timings)
        if answer.status >= 400:
            raise Refused(answer.status, answer.code, answer.detail, retry_after_s=answer.retry_after_s)
        job.resource_id = answer.resource_id or job.resource_id
        job.version = answer.version
        job.document = answer.document
        return job
