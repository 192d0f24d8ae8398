"""Step 12: commit the unit of work on the primary: one statement, one round trip, one commit.

It refuses with 404 or 412 (the row has changed since step 7), 409 (the Idempotency-Key or the name is in use), 422 (the
key belongs to another body), 500 (rolled back), 503 (nothing was written) and 504 (the outcome is unknown).
"""

import time
from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.ports import (
    DatabaseError,
    KeyTakenError,
    NameTakenError,
    Repository,
    UnavailableError,
    UnknownOutcomeError,
)
from createflow.reference_server.domain.unit_of_work import UnitOfWork, WrittenRow
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class WritePrimary:
    """Commits the unit. A known Idempotency-Key gets its earlier reply again."""

    step: ClassVar[Step] = Step.WRITE_PRIMARY
    repository: Repository

    async def __call__(self, job: Job) -> Job:
        """Set id, version and document, and release the connection.

        Raises:
            Refused: 404, 409, 412, 422, 500, 503 or 504.
        """
        if job.unit is None or job.lease is None:
            raise TypeError("step 12 needs a unit of work and a connection")
        begun_ns = time.perf_counter_ns()
        try:
            written = await self.repository.write(job.lease, job.unit)
        except KeyTakenError:
            # Released first: a request that holds one connection and waits for a second can wait for ever.
            await job.lease.release()
            written = await self._stored_row(job, job.unit)
            job.is_replay = True
        except NameTakenError:
            # The name may be that of the earlier request with this key.
            await job.lease.release()
            stored = await self._known_row(job, job.unit)
            if stored is None:
                raise Refused(409, "conflict", "Another resource has this name.") from None
            written, job.is_replay = stored, True
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
            if job.unit.sent_ns:
                # Behind the group of creates before it.
                job.timings.append(("group_commit_wait", job.unit.sent_ns - begun_ns))
            await job.lease.release()
        if written is None:
            raise self._not_written(job)
        job.resource_id, job.version, job.document = written.resource_id, written.version, written.document
        return job

    async def _stored_row(self, job: Job, unit: UnitOfWork) -> WrittenRow:
        stored = await self._known_row(job, unit)
        if stored is None:
            raise Refused(409, "conflict", "The Idempotency-Key is being used by another request.")
        return stored

    async def _known_row(self, job: Job, unit: UnitOfWork) -> WrittenRow | None:
        """Return what an earlier request with the key wrote, if there was one."""
        if unit.claim is None:
            return None
        stored = await self.repository.stored_reply(job.principal.subject, job.idempotency_key)
        if stored is None:
            return None
        if stored.fingerprint != unit.claim.fingerprint:
            raise Refused(422, "idempotency_key_reused", "The Idempotency-Key belongs to another body.")
        return stored.row

    def _not_written(self, job: Job) -> Refused:
        if job.op == "create":  # a create has no condition that may not be met
            return Refused(500, "database_error", "The database did not write the row.")
        if job.if_match:
            return Refused(412, "precondition_failed", "The resource has another version by now.")
        return Refused(404, "not_found", "There is no such resource.")
