"""Defects of step 4: the rate limit."""

import asyncio
from dataclasses import replace

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import replace_stage
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.stages.api.rate_limit import RateLimit
from createflow.schemas.flow import Step


class _NoRateLimit(RateLimit):
    async def __call__(self, job: Job) -> Job:
        job.quota = await self.limiter.take(self.bucket(job), self.limit)
        return job


class _ReadsNotLimited(RateLimit):
    async def __call__(self, job: Job) -> Job:
        return job if job.op in {"read", "search"} else await RateLimit.__call__(self, job)


class _BucketCut(RateLimit):
    def bucket(self, job: Job) -> str:
        return RateLimit.bucket(self, job)[:64]


class _RetryAfterMissing(RateLimit):
    def refusal(self, wait_s: float) -> Refused:
        healthy = RateLimit.refusal(self, wait_s)
        return Refused(429, healthy.code, healthy.detail)


class _CountsOneOfMany(RateLimit):
    async def __call__(self, job: Job) -> Job:
        bucket = self.bucket(job)
        if bucket in _COUNTING:
            return job
        _COUNTING.add(bucket)
        try:
            await asyncio.sleep(0.02)
            return await RateLimit.__call__(self, job)
        finally:
            _COUNTING.discard(bucket)


class _LimitLooksLikeOutage(RateLimit):
    def refusal(self, wait_s: float) -> Refused:
        return Refused(429, "service_unavailable", "Come back later.", retry_after_s=wait_s)


class _SharedBucket(RateLimit):
    def bucket(self, job: Job) -> str:  # noqa: ARG002 - the healthy signature
        return "subject:everybody"


class _BucketByClaimedAddress(RateLimit):
    def bucket(self, job: Job) -> str:
        claimed = job.exchange.headers.get(b"x-forwarded-for", b"").decode("latin-1") if job.exchange else ""
        return f"{RateLimit.bucket(self, job)}:{claimed}"


class _LimitIs503(RateLimit):
    def refusal(self, wait_s: float) -> Refused:
        return Refused(503, "rate_limited", "Come back later.", retry_after_s=wait_s)


class _RemainingIsConstant(RateLimit):
    async def __call__(self, job: Job) -> Job:
        try:
            return await RateLimit.__call__(self, job)
        finally:
            if job.quota is not None:
                job.quota = replace(job.quota, remaining=job.quota.limit)


_COUNTING: set[str] = set()


DEFECTS = (
    Defect("reads_not_limited", Step.RATE_LIMIT, "Reads are not limited.", replace_stage(_ReadsNotLimited)),
    Defect(
        "bucket_cut",
        Step.RATE_LIMIT,
        "Subjects with the same first letters share one bucket.",
        replace_stage(_BucketCut),
    ),
    Defect("no_rate_limit", Step.RATE_LIMIT, "No request is ever refused with 429.", replace_stage(_NoRateLimit)),
    Defect(
        "retry_after_missing", Step.RATE_LIMIT, "A 429 has no Retry-After header.", replace_stage(_RetryAfterMissing)
    ),
    Defect("shared_bucket", Step.RATE_LIMIT, "All subjects share one bucket.", replace_stage(_SharedBucket)),
    Defect(
        "bucket_by_claimed_address",
        Step.RATE_LIMIT,
        "The client's X-Forwarded-For header chooses the bucket.",
        replace_stage(_BucketByClaimedAddress),
    ),
    Defect(
        "limit_looks_like_outage",
        Step.RATE_LIMIT,
        "A 429 has the error code of a 503.",
        replace_stage(_LimitLooksLikeOutage),
    ),
    Defect(
        "counts_one_of_many",
        Step.RATE_LIMIT,
        "Of concurrent requests only one is counted.",
        replace_stage(_CountsOneOfMany),
    ),
    Defect("limit_is_503", Step.RATE_LIMIT, "What exceeds the rate is refused with 503.", replace_stage(_LimitIs503)),
    Defect(
        "remaining_is_constant",
        Step.RATE_LIMIT,
        "The RateLimit field says that nothing was used, also on a 429.",
        replace_stage(_RemainingIsConstant),
    ),
)
