"""Step 11: lease a database connection within its wait limit.

It refuses with 503 when no connection comes free in time or the request's deadline has passed.
"""

import time
from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.ports import Repository, UnavailableError
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class ConnectionPool:
    """Leases a connection, or refuses while nothing has been done yet."""

    step: ClassVar[Step] = Step.CONNECTION_POOL
    repository: Repository

    async def __call__(self, job: Job) -> Job:
        """Set the lease; the pipeline releases it however the job ends.

        Raises:
            Refused: 503.
        """
        try:
            job.lease = await self.repository.acquire()
        except UnavailableError:
            detail = "No database connection came free in time."
            raise Refused(503, "service_unavailable", detail, retry_after_s=1.0) from None
        if time.time() > job.deadline_s:
            # The gateway has given up: a write now would only make the outcome harder to know.
            raise Refused(503, "service_unavailable", "The request's deadline has passed.", retry_after_s=1.0)
        return job
