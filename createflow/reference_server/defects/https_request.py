"""Step 1, broken."""

import gzip
from collections.abc import Mapping
from dataclasses import replace

from createflow.reference_server.defects.twin import Swap, swap, twin_of
from createflow.reference_server.domain.job import Answered, Exchange, Job, Refused
from createflow.reference_server.stages.api.https_request import HttpsRequest
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class AnyMediaType(HttpsRequest):
    """Takes anything for JSON."""

    def check_media_type(self, headers: Mapping[bytes, bytes]) -> None:
        """Look away."""


class UnboundedHeaders(HttpsRequest):
    """Reads headers of any size."""

    def check_headers(self, exchange: Exchange) -> None:
        """Look away."""


class InflatesBodies(HttpsRequest):
    """Unpacks whatever comes packed."""

    def check_media_type(self, headers: Mapping[bytes, bytes]) -> None:
        """Any encoding will do."""
        plain = {name: value for name, value in headers.items() if name != b"content-encoding"}
        HttpsRequest.check_media_type(self, plain)

    async def __call__(self, job: Job) -> Job:
        """As large as it becomes, less the blanks."""
        job = await HttpsRequest.__call__(self, job)
        if job.raw.startswith(b"\x1f\x8b"):
            job.raw = gzip.decompress(job.raw).strip()
        return job


class EmptyConditionDropped(HttpsRequest):
    """Takes a condition that says nothing for none."""

    def check_condition(self, exchange: Exchange) -> None:
        """Look away."""


class NoAllowHeader(HttpsRequest):
    """Says no, but not what would be right."""

    def not_allowed(self, methods: tuple[str, ...]) -> Refused:  # noqa: ARG002 - the healthy signature
        """A 405 without Allow."""
        return Refused(405, "method_not_allowed", "Not a method of this path.")


class OptionsDiffer(HttpsRequest):
    """Promises what it does not have."""

    def options(self, methods: tuple[str, ...]) -> Answered:
        """One method more."""
        return HttpsRequest.options(self, (*methods, "PATCH"))


SWAPS: dict[Fault, Swap] = {
    Fault.ANY_MEDIA_TYPE: twin_of(Step.HTTPS_REQUEST, AnyMediaType),
    Fault.NO_ALLOW_HEADER: twin_of(Step.HTTPS_REQUEST, NoAllowHeader),
    Fault.OPTIONS_DIFFER: twin_of(Step.HTTPS_REQUEST, OptionsDiffer),
    Fault.EMPTY_CONDITION_DROPPED: twin_of(Step.HTTPS_REQUEST, EmptyConditionDropped),
    Fault.UNBOUNDED_HEADERS: twin_of(Step.HTTPS_REQUEST, UnboundedHeaders),
    Fault.INFLATES_BODIES: twin_of(Step.HTTPS_REQUEST, InflatesBodies),
    Fault.UNBOUNDED_BODY: swap(Step.HTTPS_REQUEST, lambda stage: replace(stage, max_body_bytes=2**40)),
}
