"""Step 16, broken."""

import html
import traceback
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson

from createflow.reference_server.defects.twin import Swap, twin_of
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.stages.api.response import Response
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class OkForCreated(Response):
    """Answers a create like a read."""

    async def __call__(self, job: Job) -> Job:
        """200."""
        job = await Response.__call__(self, job)
        job.status = 200 if job.status == 201 else job.status
        return job


class NoLocation(Response):
    """Does not say where it is."""

    async def __call__(self, job: Job) -> Job:
        """No Location."""
        job = await Response.__call__(self, job)
        job.headers = [header for header in job.headers if header[0] != b"location"]
        return job


class LocationWrong(Response):
    """Says another place."""

    async def __call__(self, job: Job) -> Job:
        """Somebody else's id."""
        job = await Response.__call__(self, job)
        wrong = f"/api/resources/{uuid.uuid4()}".encode()
        job.headers = [(name, wrong if name == b"location" else value) for name, value in job.headers]
        return job


class EtagDiffers(Response):
    """Names a version that is not the representation's."""

    async def __call__(self, job: Job) -> Job:
        """One more than it is."""
        job = await Response.__call__(self, job)
        if job.op == "create":
            wrong = b'"%d"' % (job.version + 1)
            job.headers = [(name, wrong if name == b"etag" else value) for name, value in job.headers]
        return job


class _Edited(Response):
    """Shows something else than was stored."""

    async def __call__(self, job: Job) -> Job:
        """Edit the body of a create."""
        job = await Response.__call__(self, job)
        if job.op == "create":
            shown = orjson.loads(job.document)
            self.edit(shown, job)
            job.document = orjson.dumps(shown)
        return job

    def edit(self, shown: dict[str, Any], job: Job) -> None:
        """What is wrong."""
        raise NotImplementedError


class MissingField(_Edited):
    """Keeps the creator for itself."""

    def edit(self, shown: dict[str, Any], job: Job) -> None:  # noqa: ARG002 - the healthy signature
        """Five fields."""
        del shown["created_by"]


class LocalTime(_Edited):
    """Tells the time of somewhere."""

    def edit(self, shown: dict[str, Any], job: Job) -> None:  # noqa: ARG002 - the healthy signature
        """Hours off, without saying so."""
        moment = datetime.fromisoformat(shown["created_at"]) + timedelta(hours=3)
        shown["created_at"] = moment.replace(tzinfo=None).isoformat()


class CreatedByFromBody(_Edited):
    """Believes the body about who sent it."""

    def edit(self, shown: dict[str, Any], job: Job) -> None:
        """What the body calls its creator, or its name."""
        shown["created_by"] = str(job.body["metadata"].get("created_by", job.body["name"]))


class DefaultMissing(_Edited):
    """Shows only what was sent."""

    def edit(self, shown: dict[str, Any], job: Job) -> None:  # noqa: ARG002 - the healthy signature
        """Without what is empty."""
        if not shown["description"]:
            del shown["description"]


class IdRepeated(_Edited):
    """Has one id for all."""

    def edit(self, shown: dict[str, Any], job: Job) -> None:  # noqa: ARG002 - the healthy signature
        """Nil."""
        shown["id"] = str(uuid.UUID(int=0))


class ByteOrderMark(Response):
    """Writes files, not messages."""

    async def __call__(self, job: Job) -> Job:
        """A mark in front."""
        job = await Response.__call__(self, job)
        if job.op == "create":
            job.document = b"\xef\xbb\xbf" + job.document
        return job


class LocationFromHeader(Response):
    """Believes whoever says which host this is."""

    async def __call__(self, job: Job) -> Job:
        """As the header says."""
        job = await Response.__call__(self, job)
        host = job.exchange.headers.get(b"x-forwarded-host") if job.exchange else None
        if host is not None:
            job.headers = [
                (name, b"http://%s%s" % (host, value) if name == b"location" else value) for name, value in job.headers
            ]
        return job


class TimeOfReading(Response):
    """Takes now for then."""

    async def __call__(self, job: Job) -> Job:
        """A later time in every read."""
        job = await Response.__call__(self, job)
        if job.op == "read" and job.document:
            shown = orjson.loads(job.document)
            later = datetime.fromisoformat(shown["created_at"]) + timedelta(milliseconds=1)
            job.document = orjson.dumps({**shown, "created_at": later.isoformat()})
        return job


class HtmlErrors(Response):
    """Answers programs with a page for people."""

    def refuse(self, job: Job, refused: Refused) -> Job:
        """The page."""
        job = Response.refuse(self, job, refused)
        if not job.document:
            return job
        job.headers = [header for header in job.headers if header[0] != b"content-type"]
        job.headers.append((b"content-type", b"text/html; charset=utf-8"))
        job.document = f"<html><body><h1>{refused.status}</h1></body></html>".encode()
        return job


class StackTraceLeaks(Response):
    """Shows its inside to whoever asks wrongly."""

    def problem(self, job: Job, refused: Refused) -> dict[str, object]:
        """The problem, and where in the code it came from."""
        trace = "".join(traceback.format_exception(refused))
        return {**Response.problem(self, job, refused), "detail": trace}


class MarkupEscapedOnRead(Response):
    """Shows readers something else than the writer."""

    async def __call__(self, job: Job) -> Job:
        """Escape it on the way out."""
        job = await Response.__call__(self, job)
        if job.op == "read" and job.document:
            shown = orjson.loads(job.document)
            job.document = orjson.dumps({**shown, "name": html.escape(shown["name"])})
        return job


class NameInHeader(Response):
    """Repeats a field where line breaks mean something."""

    async def __call__(self, job: Job) -> Job:
        """The name as a header, which its line breaks make several of."""
        job = await Response.__call__(self, job)
        if job.op == "create":
            for line in f"x-name: {job.body['name']}".splitlines():
                name, _, value = line.partition(":")
                if name.strip():
                    job.headers.append((name.strip().lower().encode("ascii"), value.strip().encode("utf-8")))
        return job


class OneCodeForAll(Response):
    """Says no in one word."""

    def problem(self, job: Job, refused: Refused) -> dict[str, object]:
        """An error is an error."""
        return {**Response.problem(self, job, refused), "code": "error", "type": "urn:createflow:problem:error"}


class MayBeStored(Response):
    """Leaves it to caches what to keep."""

    always = ((b"x-content-type-options", b"nosniff"),)


class VersionBanner(Response):
    """Shows what it is made of."""

    always = (*Response.always, (b"x-powered-by", b"reference/0.1.7"))


class OriginReflected(Response):
    """Lets pages of every origin use their reader's credentials."""

    async def __call__(self, job: Job) -> Job:
        """Whoever asks is allowed."""
        job = await Response.__call__(self, job)
        origin = job.exchange.headers.get(b"origin") if job.exchange else None
        if origin is not None:
            job.headers.append((b"access-control-allow-origin", origin))
            job.headers.append((b"access-control-allow-credentials", b"true"))
        return job


_TWINS: dict[Fault, Callable[..., Response]] = {
    Fault.OK_FOR_CREATED: OkForCreated,
    Fault.NO_LOCATION: NoLocation,
    Fault.LOCATION_WRONG: LocationWrong,
    Fault.MISSING_FIELD: MissingField,
    Fault.LOCAL_TIME: LocalTime,
    Fault.CREATED_BY_FROM_BODY: CreatedByFromBody,
    Fault.ETAG_DIFFERS: EtagDiffers,
    Fault.HTML_ERRORS: HtmlErrors,
    Fault.STACK_TRACE_LEAKS: StackTraceLeaks,
    Fault.MARKUP_ESCAPED_ON_READ: MarkupEscapedOnRead,
    Fault.NAME_IN_HEADER: NameInHeader,
    Fault.DEFAULT_MISSING: DefaultMissing,
    Fault.BYTE_ORDER_MARK: ByteOrderMark,
    Fault.ID_REPEATED: IdRepeated,
    Fault.LOCATION_FROM_HEADER: LocationFromHeader,
    Fault.TIME_OF_READING: TimeOfReading,
    Fault.ONE_CODE_FOR_ALL: OneCodeForAll,
    Fault.MAY_BE_STORED: MayBeStored,
    Fault.VERSION_BANNER: VersionBanner,
    Fault.ORIGIN_REFLECTED: OriginReflected,
}

SWAPS: dict[Fault, Swap] = {fault: twin_of(Step.RESPONSE, twin) for fault, twin in _TWINS.items()}
