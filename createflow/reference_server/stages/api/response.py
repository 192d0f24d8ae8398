"""Step 16: the reply: 201 with Location, ETag and the six fields, or a problem document (RFC 9457).

It refuses with 412 when If-Match of a read does not hold.
"""

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

import orjson

from createflow.reference_server.domain.job import Answered, Job, Refused
from createflow.reference_server.domain.preconditions import if_match_holds, if_none_match_holds
from createflow.reference_server.stages.api.https_request import COLLECTION
from createflow.schemas.flow import Step

_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")
_TITLES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Response:
    """Turns a finished job, or a refusal, into an HTTP reply."""

    step: ClassVar[Step] = Step.RESPONSE
    always: ClassVar[tuple[tuple[bytes, bytes], ...]] = (
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    )
    """Header fields of every reply."""

    async def __call__(self, job: Job) -> Job:
        """Set status, headers and body of a success.

        Raises:
            Refused: 412.
        """
        if job.op == "search":
            job.status, job.headers = 200, [_JSON]
            return job
        etag = (b"etag", b'"%d"' % job.version)
        if job.op == "create":
            location = f"{COLLECTION}/{job.resource_id}".encode("ascii")
            job.status, job.headers = 201, [_JSON, (b"location", location), etag]
        elif job.op == "delete":
            job.status, job.headers, job.document = 204, [], b""
        elif job.op == "read" and not if_match_holds(job.if_match, job.version):
            raise Refused(412, "precondition_failed", "The resource has another version by now.")
        elif job.op == "read" and not if_none_match_holds(job.if_none_match, job.version):
            job.status, job.headers, job.document = 304, [etag], b""
        else:
            job.status, job.headers = 200, [_JSON, etag]
        return job

    def refuse(self, job: Job, refused: Refused) -> Job:
        """Set status, headers and problem document of a refusal."""
        if isinstance(refused, Answered):
            job.status, job.headers, job.document = refused.status, [*refused.headers], b""
            return job
        job.status = refused.status
        job.headers = [_PROBLEM, *refused.headers]
        if refused.retry_after_s is not None:
            job.headers.append((b"retry-after", b"%d" % max(1, math.ceil(refused.retry_after_s))))
        job.document = orjson.dumps(self.problem(job, refused))
        return job

    def problem(self, job: Job, refused: Refused) -> dict[str, object]:
        """Return the members of the problem document."""
        errors = [
            {"pointer": error.pointer, "detail": error.detail, "keyword": error.keyword} for error in refused.errors
        ]
        return {
            "type": f"urn:createflow:problem:{refused.code}",
            "title": _TITLES.get(refused.status, "Error"),
            "status": refused.status,
            "detail": refused.detail,
            "instance": job.exchange.path.encode("utf-8", "replace").decode() if job.exchange else "",
            "code": refused.code,
            "request_id": job.request_id,
            "errors": errors,
        }
