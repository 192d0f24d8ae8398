"""Step 4, broken."""

import asyncio

from createflow.reference_server.defects.twin import Swap, twin_of
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.stages.api.rate_limit import RateLimit
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class NoRateLimit(RateLimit):
    """Counts, and draws no conclusion."""

    async def __call__(self, job: Job) -> Job:
        """Let everybody through."""
        job.quota = await self.buckets.take(self.bucket(job), self.limit)
        return job


class RetryAfterMissing(RateLimit):
    """Does not say when to come back."""

    def refusal(self, wait_s: float) -> Refused:
        """A 429 without Retry-After."""
        healthy = RateLimit.refusal(self, wait_s)
        return Refused(429, healthy.code, healthy.detail)


class CountsOneOfMany(RateLimit):
    """Counts in several steps, and lets through what comes between them."""

    async def __call__(self, job: Job) -> Job:
        """Count, unless the same bucket is being counted."""
        bucket = self.bucket(job)
        if bucket in _COUNTING:
            return job
        _COUNTING.add(bucket)
        try:
            await asyncio.sleep(0.02)
            return await RateLimit.__call__(self, job)
        finally:
            _COUNTING.discard(bucket)


class LimitLooksLikeOutage(RateLimit):
    """Does not say whose trouble it is."""

    def refusal(self, wait_s: float) -> Refused:
        """A 429 with the code of a 503."""
        return Refused(429, "service_unavailable", "Come back later.", retry_after_s=wait_s)


class SharedBucket(RateLimit):
    """Counts all subjects together."""

    def bucket(self, job: Job) -> str:  # noqa: ARG002 - the healthy signature
        """The only bucket."""
        return "subject:everybody"


class BucketByClaimedAddress(RateLimit):
    """Counts by what the client says about itself."""

    def bucket(self, job: Job) -> str:
        """Subject and claimed address."""
        claimed = job.exchange.headers.get(b"x-forwarded-for", b"").decode("latin-1") if job.exchange else ""
        return f"{RateLimit.bucket(self, job)}:{claimed}"


_COUNTING: set[str] = set()

SWAPS: dict[Fault, Swap] = {
    Fault.NO_RATE_LIMIT: twin_of(Step.RATE_LIMIT, NoRateLimit),
    Fault.RETRY_AFTER_MISSING: twin_of(Step.RATE_LIMIT, RetryAfterMissing),
    Fault.COUNTS_ONE_OF_MANY: twin_of(Step.RATE_LIMIT, CountsOneOfMany),
    Fault.LIMIT_LOOKS_LIKE_OUTAGE: twin_of(Step.RATE_LIMIT, LimitLooksLikeOutage),
    Fault.BUCKET_BY_CLAIMED_ADDRESS: twin_of(Step.RATE_LIMIT, BucketByClaimedAddress),
    Fault.SHARED_BUCKET: twin_of(Step.RATE_LIMIT, SharedBucket),
}
