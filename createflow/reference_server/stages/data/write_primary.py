"""Step 12: one statement, one round trip, one commit."""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.port import (
    DatabaseError,
    KeyTakenError,
    Rows,
    UnavailableError,
    UnknownOutcomeError,
)
from createflow.reference_server.domain.unit_of_work import Unit, Written
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class WritePrimary:
    """Commit the unit; a known Idempotency-Key gets the answer it got before."""

    step: ClassVar[Step] = Step.WRITE_PRIMARY
    rows: Rows

    async def __call__(self, job: Job) -> Job:
        """Set id, version and document; give the connection back.

        Raises:
            Refused: 404 or 412 when the row changed meanwhile, 422 for a key with another body, 500, 503, 504.
        """
        if job.unit is None or job.lease is None:
            raise TypeError("step 12 needs a unit and a connection")
        try:
            written = await self.rows.write(job.lease, job.unit)
        except KeyTakenError:
            # Back first: whoever waits for a second connection with one in hand can wait for ever.
            await job.lease.release()
            written = await self._stored(job, job.unit)
            job.replayed = True
        except DatabaseError as error:
            detail = "The database refused the write; it was rolled back."
            raise Refused(500, "database_error", detail) from error
        except UnavailableError as error:
            detail = "The database cannot be reached; nothing was written."
            raise Refused(503, "service_unavailable", detail, retry_after_s=1.0) from error
        except UnknownOutcomeError as error:
            detail = "The connection to the database broke: the write may or may not have been carried out."
            raise Refused(504, "outcome_unknown", detail) from error
        finally:
            await job.lease.release()
        if written is None:
            raise self._gone(job)
        job.resource_id, job.version, job.document = written.resource_id, written.version, written.document
        return job

    async def _stored(self, job: Job, unit: Unit) -> Written:
        stored = await self.rows.stored(job.principal.subject, job.idempotency_key)
        if unit.claim is None or stored is None:
            raise Refused(409, "conflict", "The Idempotency-Key is being used by another request.")
        if stored.fingerprint != unit.claim.fingerprint:
            raise Refused(422, "idempotency_key_reused", "The Idempotency-Key stands for another body.")
        return stored.written

    def _gone(self, job: Job) -> Refused:
        if job.if_match:
            return Refused(412, "precondition_failed", "The resource has another version by now.")
        return Refused(404, "not_found", "There is no such resource.")
