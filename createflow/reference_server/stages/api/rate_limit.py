"""Step 4: the rate limit of each subject. It refuses with 429 and Retry-After."""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.ports import Limit, RateLimiter
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Refuses a subject that exceeds its limit, and says when to try again."""

    step: ClassVar[Step] = Step.RATE_LIMIT
    limiter: RateLimiter
    limit: Limit

    async def __call__(self, job: Job) -> Job:
        """Count the request.

        Raises:
            Refused: 429.
        """
        job.quota = quota = await self.limiter.take(self.bucket(job), self.limit)
        if quota.retry_after_s > 0:
            raise self.refusal(quota.retry_after_s)
        return job

    def bucket(self, job: Job) -> str:
        """Return the name of the bucket that the request is counted in."""
        return f"subject:{job.principal.subject}"

    def refusal(self, wait_s: float) -> Refused:
        """Return the 429."""
        detail = f"At most {self.limit.rate_per_s:g} requests a second, {self.limit.burst} in a burst."
        return Refused(429, "rate_limited", detail, retry_after_s=wait_s)
