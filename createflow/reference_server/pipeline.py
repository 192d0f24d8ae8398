"""The order of the flow, visible, and the loop that runs it."""

import time
from collections.abc import Callable, Sequence

from createflow.reference_server.domain.job import Job, Stage
from createflow.reference_server.stages.api.auth_check import AuthCheck
from createflow.reference_server.stages.api.https_request import HttpsRequest
from createflow.reference_server.stages.api.load_balancer import LoadBalancer
from createflow.reference_server.stages.api.rate_limit import RateLimit
from createflow.reference_server.stages.api.response import Response
from createflow.reference_server.stages.api.service_router import ServiceRouter
from createflow.reference_server.stages.api.validation import Validation
from createflow.reference_server.stages.business.audit_log import AuditLog
from createflow.reference_server.stages.business.business_logic import BusinessLogic
from createflow.reference_server.stages.business.publish_event import PublishEvent
from createflow.reference_server.stages.business.transaction import Transaction
from createflow.reference_server.stages.data.connection_pool import ConnectionPool
from createflow.reference_server.stages.data.invalidate_cache import InvalidateCache
from createflow.reference_server.stages.data.replicate import Replicate
from createflow.reference_server.stages.data.write_primary import WritePrimary

GATEWAY = (HttpsRequest, LoadBalancer, AuthCheck, RateLimit, Validation, ServiceRouter, Response)
"""Steps 1 to 6 and 16."""

BUSINESS = (
    BusinessLogic,
    Transaction,
    PublishEvent,
    AuditLog,
    ConnectionPool,
    WritePrimary,
    Replicate,
    InvalidateCache,
)
"""Steps 7 to 14; step 15 runs in the worker, from the events."""

Observe = Callable[[float], None]


class Pipeline:
    """Runs stages in their order and notes how long each took.

    Args:
        stages: in order, one a step.
        observers: for each stage what takes its seconds.
    """

    def __init__(self, stages: Sequence[Stage], observers: Sequence[Observe]) -> None:
        self.stages = tuple(stages)
        self._steps = tuple((stage, str(stage.step), observe) for stage, observe in zip(stages, observers, strict=True))

    async def run(self, job: Job) -> Job:
        """Run them all; a refusal ends the run, and a connection still held is given back.

        Raises:
            Refused: by a stage.
        """
        try:
            for stage, name, observe in self._steps:
                begun_ns = time.perf_counter_ns()
                try:
                    job = await stage(job)
                finally:
                    took_ns = time.perf_counter_ns() - begun_ns
                    job.timings.append((name, took_ns))
                    observe(took_ns / 1e9)
        finally:
            if job.lease is not None:
                await job.lease.release()
        return job
