"""Step 1, broken."""

from collections.abc import Mapping
from dataclasses import replace

from createflow.reference_server.defects.twin import Swap, swap, twin_of
from createflow.reference_server.job import Refused
from createflow.reference_server.stages.api.https_request import HttpsRequest
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class AnyMediaType(HttpsRequest):
    """Takes anything for JSON."""

    def check_media_type(self, headers: Mapping[bytes, bytes]) -> None:
        """Look away."""


class NoAllowHeader(HttpsRequest):
    """Says no, but not what would be right."""

    def not_allowed(self, methods: tuple[str, ...]) -> Refused:  # noqa: ARG002 - the healthy signature
        """A 405 without Allow."""
        return Refused(405, "method_not_allowed", "Not a method of this path.")


SWAPS: dict[Fault, Swap] = {
    Fault.ANY_MEDIA_TYPE: twin_of(Step.HTTPS_REQUEST, AnyMediaType),
    Fault.NO_ALLOW_HEADER: twin_of(Step.HTTPS_REQUEST, NoAllowHeader),
    Fault.UNBOUNDED_BODY: swap(Step.HTTPS_REQUEST, lambda stage: replace(stage, max_body_bytes=2**40)),
}
