"""Step 4: no more than agreed, for each subject."""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.port import Buckets, Limit
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Refuse a subject whose bucket is empty, and say when to come back."""

    step: ClassVar[Step] = Step.RATE_LIMIT
    buckets: Buckets
    limit: Limit

    async def __call__(self, job: Job) -> Job:
        """Count the request.

        Raises:
            Refused: 429 with Retry-After.
        """
        job.quota = quota = await self.buckets.take(self.bucket(job), self.limit)
        if quota.retry_after_s > 0:
            raise self.refusal(quota.retry_after_s)
        return job

    def bucket(self, job: Job) -> str:
        """Which bucket the request is counted in."""
        return f"subject:{job.principal.subject}"

    def refusal(self, wait_s: float) -> Refused:
        """The 429."""
        detail = f"At most {self.limit.rate_per_s:g} requests a second, {self.limit.burst} in a burst."
        return Refused(429, "rate_limited", detail, retry_after_s=wait_s)
