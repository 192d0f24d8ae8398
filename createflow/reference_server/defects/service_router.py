"""Step 6, broken."""

from dataclasses import replace

from createflow.reference_server.defects.twin import Swap, swap, twin_of
from createflow.reference_server.domain.circuit_breaker import Breaker
from createflow.reference_server.domain.job import Refused
from createflow.reference_server.stages.api.service_router import ServiceRouter
from createflow.schemas.clock import SystemClock
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class DownIs500(ServiceRouter):
    """Takes a missing instance for a fault of its own."""

    def unavailable(self, detail: str, wait_s: float) -> Refused:  # noqa: ARG002 - the healthy signature
        """A 500."""
        return Refused(500, "internal_error", detail)


class NeverOpens(Breaker):
    """Keeps asking."""

    def enter(self) -> int:
        """Always."""
        return 0

    def leave(self, era: int, *, healthy: bool | None) -> None:
        """Learn nothing."""


def _without_breaker(stage: ServiceRouter) -> ServiceRouter:
    return replace(stage, breakers={kind: NeverOpens(SystemClock()) for kind in stage.breakers})


SWAPS: dict[Fault, Swap] = {
    Fault.DOWN_IS_500: twin_of(Step.SERVICE_ROUTER, DownIs500),
    Fault.BREAKER_NEVER_OPENS: swap(Step.SERVICE_ROUTER, _without_breaker),
}
