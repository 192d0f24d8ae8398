"""Step 16: the reply: 201, Location, ETag and the six fields, or a problem document."""

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

import orjson

from createflow.reference_server.domain.etag import names_strongly, names_weakly
from createflow.reference_server.domain.job import Answered, Job, Refused
from createflow.reference_server.stages.api.https_request import COLLECTION
from createflow.schemas.flow import Step

_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")
_TITLES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Response:
    """Say what was done in HTTP's own words."""

    step: ClassVar[Step] = Step.RESPONSE
    always: ClassVar[tuple[tuple[bytes, bytes], ...]] = (
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    )
    """On every reply, whatever it says."""

    async def __call__(self, job: Job) -> Job:
        """Set status, headers and body of a success.

        Raises:
            Refused: 412, when a read wants another version.
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
        elif job.op == "read" and job.if_match and not names_strongly(job.if_match, job.version):
            raise Refused(412, "precondition_failed", "The resource has another version by now.")
        elif job.op == "read" and job.if_none_match and names_weakly(job.if_none_match, job.version):
            job.status, job.headers, job.document = 304, [etag], b""
        else:
            job.status, job.headers = 200, [_JSON, etag]
        return job

    def refuse(self, job: Job, refused: Refused) -> Job:
        """Set status, headers and problem document (RFC 9457) of a refusal."""
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
        """The members of the problem document."""
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
