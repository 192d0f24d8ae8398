"""Step 6: send the job to a live instance of the service, with a deadline and a circuit breaker.

It refuses with what the service refused with, with 503 when no instance is there or the breaker is open, and with 504
when the service did not reply in time. A request whose client has gone is not sent.
"""

import time
from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.circuit_breaker import CircuitBreaker, CircuitOpenError
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.ports import (
    BUSY_CODE,
    ServiceBus,
    ServiceReply,
    UnavailableError,
    UnknownOutcomeError,
)
from createflow.schemas.flow import Step

_RETRY_AFTER_S = 1.0
_UNHEALTHY_CODES = frozenset({"database_error", "service_unavailable", "outcome_unknown", "internal_error"})


@dataclass(frozen=True, slots=True)
class ServiceRouter:
    """Sends the job to one instance; refuses at once while the breaker is open."""

    step: ClassVar[Step] = Step.SERVICE_ROUTER
    bus: ServiceBus
    breakers: dict[str, CircuitBreaker]
    """For ``read`` and ``write``: a database that cannot be written may still be read."""
    timeout_s: float
    tries: int = 1
    """How many instances are asked while each has too much to do."""

    async def __call__(self, job: Job) -> Job:
        """Set id, version and document from the reply.

        Raises:
            Refused: what the service refused with, 503 or 504.
        """
        if job.exchange is not None and job.exchange.client_is_gone():
            raise Refused(503, "service_unavailable", "The client has gone; nothing was done.")
        breaker = self.breakers["read" if job.op in {"read", "search"} else "write"]
        try:
            generation = breaker.admit()
        except CircuitOpenError as error:
            detail = "The service has failed repeatedly and is left alone for a moment."
            raise self.unavailable(detail, error.wait_s) from None
        healthy = None
        try:
            job.deadline_s = time.time() + self.timeout_s
            reply = await self._first_free(job)
            healthy = reply.code not in _UNHEALTHY_CODES
        except UnavailableError:
            healthy = False
            raise self.unavailable("No instance of the service is there.", _RETRY_AFTER_S) from None
        except UnknownOutcomeError:
            healthy = False
            detail = "The service did not answer in time: the request may or may not have been carried out."
            raise Refused(504, "outcome_unknown", detail) from None
        finally:
            breaker.record(generation, healthy=healthy)
        return self._take_reply(job, reply)

    async def _first_free(self, job: Job) -> ServiceReply:
        """The reply of the first instance that takes the job, else of the last one that was asked."""
        for _ in range(self.tries - 1):
            reply = await self.bus.request(job)
            if reply.code != BUSY_CODE:
                return reply
        return await self.bus.request(job)

    def unavailable(self, detail: str, wait_s: float) -> Refused:
        """Return the 503."""
        return Refused(503, "service_unavailable", detail, retry_after_s=wait_s)

    def _take_reply(self, job: Job, reply: ServiceReply) -> Job:
        job.timings.extend(reply.timings)
        if reply.code == BUSY_CODE:
            job.is_crowded_out = True
            raise self.unavailable("Every instance of the service that was asked has too much to do.", _RETRY_AFTER_S)
        if reply.status >= 400:
            raise Refused(reply.status, reply.code, reply.detail, retry_after_s=reply.retry_after_s)
        job.resource_id = reply.resource_id or job.resource_id
        job.version = reply.version
        job.document = reply.document
        return job
