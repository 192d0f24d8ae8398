"""Step 11: a connection within its wait limit."""

import time
from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.port import Rows, UnavailableError
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class ConnectionPool:
    """Take a connection, or refuse while nothing has been done yet."""

    step: ClassVar[Step] = Step.CONNECTION_POOL
    rows: Rows

    async def __call__(self, job: Job) -> Job:
        """Set the lease; the pipeline gives it back whatever happens.

        Raises:
            Refused: 503.
        """
        try:
            job.lease = await self.rows.acquire()
        except UnavailableError:
            detail = "No database connection came free in time."
            raise Refused(503, "service_unavailable", detail, retry_after_s=1.0) from None
        if time.time() > job.deadline_s:
            # Nobody waits any more: writing now would only make the outcome harder to know.
            raise Refused(503, "service_unavailable", "The request's deadline has passed.", retry_after_s=1.0)
        return job
