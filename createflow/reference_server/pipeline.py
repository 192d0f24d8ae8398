"""The order of the flow, and the loop that runs it."""

import time
from collections.abc import Callable, Sequence
from typing import Any

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
from createflow.schemas.flow import Step

GATEWAY_ORDER = (HttpsRequest, LoadBalancer, AuthCheck, RateLimit, Validation, ServiceRouter, Response)
"""Steps 1 to 6 and 16."""

SERVICE_ORDER = (
    BusinessLogic,
    Transaction,
    PublishEvent,
    AuditLog,
    ConnectionPool,
    WritePrimary,
    Replicate,
    InvalidateCache,
)
"""Steps 7 to 14. Step 15 runs in the worker, from the events."""

Observe = Callable[[float], None]


class Pipeline:
    """Runs stages in their order, and measures how long each takes.

    Args:
        stages: the stages, seeded ones included.
        order: the stages' healthy classes; the steps of both must be the same.
        observer: returns what takes the seconds of a step.

    Raises:
        ValueError: the stages are not in this order.
    """

    def __init__(
        self, stages: Sequence[Stage], order: Sequence[type[Any]], observer: Callable[[Step], Observe]
    ) -> None:
        if [stage.step for stage in stages] != [kind.step for kind in order]:
            raise ValueError("the stages are not in the order of the flow")
        self._steps = tuple((stage, str(stage.step), observer(stage.step)) for stage in stages)

    async def run(self, job: Job) -> Job:
        """Run all stages; a refusal ends the run, and a connection that is still leased is released.

        Raises:
            Refused: by a stage.
        """
        try:
            for stage, name, observe in self._steps:
                timings = job.timings
                before = len(timings)
                begun_ns = time.perf_counter_ns()
                try:
                    job = await stage(job)
                finally:
                    took_ns = time.perf_counter_ns() - begun_ns
                    observe(took_ns / 1e9)
                    if len(timings) > before:  # the stage has timed parts of itself
                        took_ns -= sum([part_ns for _, part_ns in timings[before:]])
                    timings.append((name, took_ns))
        finally:
            if job.lease is not None:
                await job.lease.release()
        return job
