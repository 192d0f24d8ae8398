"""Defects of step 6: routing to a service."""

from dataclasses import replace

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import change_stage, replace_stage
from createflow.reference_server.domain.circuit_breaker import CircuitBreaker
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.stages.api.service_router import ServiceRouter
from createflow.schemas.clock import SystemClock
from createflow.schemas.flow import Step


class _DownIs500(ServiceRouter):
    def unavailable(self, detail: str, wait_s: float) -> Refused:  # noqa: ARG002 - the healthy signature
        return Refused(500, "internal_error", detail)


class _MissingIs500(ServiceRouter):
    async def __call__(self, job: Job) -> Job:
        try:
            return await ServiceRouter.__call__(self, job)
        except Refused as refused:
            if refused.status == 404:
                raise Refused(500, "internal_error", "An internal error occurred.") from refused
            raise


class _NeverOpens(CircuitBreaker):
    def admit(self) -> int:
        return 0

    def record(self, generation: int, *, healthy: bool | None) -> None:
        pass


def _without_breaker(stage: ServiceRouter) -> ServiceRouter:
    return replace(stage, breakers={kind: _NeverOpens(SystemClock()) for kind in stage.breakers})


DEFECTS = (
    Defect(
        "missing_is_500",
        Step.SERVICE_ROUTER,
        "A resource that does not exist is answered with 500.",
        replace_stage(_MissingIs500),
    ),
    Defect(
        "down_is_500",
        Step.SERVICE_ROUTER,
        "A request is answered with 500 when no service instance is there.",
        replace_stage(_DownIs500),
    ),
    Defect(
        "breaker_never_opens",
        Step.SERVICE_ROUTER,
        "The circuit breaker never opens: every request waits for the dead service.",
        change_stage(Step.SERVICE_ROUTER, _without_breaker),
    ),
)
