"""Defects of step 16: the reply."""

import html
import traceback
import uuid
from datetime import datetime, timedelta
from typing import Any

import orjson

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import replace_stage
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.stages.api.response import Response
from createflow.schemas.flow import Step


class _OkForCreated(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        job.status = 200 if job.status == 201 else job.status
        return job


class _UpdateIsCreated(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        job.status = 201 if job.op == "update" else job.status
        return job


class _UpdateWithoutEtag(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.op == "update":
            job.headers = [header for header in job.headers if header[0] != b"etag"]
        return job


class _NoLocation(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        job.headers = [header for header in job.headers if header[0] != b"location"]
        return job


class _LocationWrong(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        wrong = f"/api/resources/{uuid.uuid4()}".encode()
        job.headers = [(name, wrong if name == b"location" else value) for name, value in job.headers]
        return job


class _EtagDiffers(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.op == "create":
            wrong = b'"%d"' % (job.version + 1)
            job.headers = [(name, wrong if name == b"etag" else value) for name, value in job.headers]
        return job


class _Edited(Response):
    """Shows the created resource after ``edit``."""

    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.op == "create":
            shown = orjson.loads(job.document)
            self.edit(shown, job)
            job.document = orjson.dumps(shown)
        return job

    def edit(self, shown: dict[str, Any], job: Job) -> None:
        raise NotImplementedError


class _MissingField(_Edited):
    def edit(self, shown: dict[str, Any], job: Job) -> None:  # noqa: ARG002 - the healthy signature
        del shown["created_by"]


class _LocalTime(_Edited):
    def edit(self, shown: dict[str, Any], job: Job) -> None:  # noqa: ARG002 - the healthy signature
        moment = datetime.fromisoformat(shown["created_at"]) + timedelta(hours=3)
        shown["created_at"] = moment.replace(tzinfo=None).isoformat()


class _CreatedByFromBody(_Edited):
    def edit(self, shown: dict[str, Any], job: Job) -> None:
        shown["created_by"] = str(job.body["metadata"].get("created_by", job.body["name"]))


class _CreatedByCut(_Edited):
    def edit(self, shown: dict[str, Any], job: Job) -> None:  # noqa: ARG002 - the healthy signature
        shown["created_by"] = shown["created_by"][:64]


class _DefaultMissing(_Edited):
    def edit(self, shown: dict[str, Any], job: Job) -> None:  # noqa: ARG002 - the healthy signature
        if not shown["description"]:
            del shown["description"]


class _IdRepeated(_Edited):
    def edit(self, shown: dict[str, Any], job: Job) -> None:  # noqa: ARG002 - the healthy signature
        shown["id"] = str(uuid.UUID(int=0))


class _ByteOrderMark(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.op == "create":
            job.document = b"\xef\xbb\xbf" + job.document
        return job


class _LocationFromHeader(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        host = job.exchange.headers.get(b"x-forwarded-host") if job.exchange else None
        if host is not None:
            job.headers = [
                (name, b"http://%s%s" % (host, value) if name == b"location" else value) for name, value in job.headers
            ]
        return job


class _TimeOfReading(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.op == "read" and job.document:
            shown = orjson.loads(job.document)
            later = datetime.fromisoformat(shown["created_at"]) + timedelta(milliseconds=1)
            job.document = orjson.dumps({**shown, "created_at": later.isoformat()})
        return job


class _HtmlErrors(Response):
    def refuse(self, job: Job, refused: Refused) -> Job:
        job = Response.refuse(self, job, refused)
        if not job.document:
            return job
        job.headers = [header for header in job.headers if header[0] != b"content-type"]
        job.headers.append((b"content-type", b"text/html; charset=utf-8"))
        job.document = f"<html><body><h1>{refused.status}</h1></body></html>".encode()
        return job


class _StackTraceLeaks(Response):
    def problem(self, job: Job, refused: Refused) -> dict[str, object]:
        trace = "".join(traceback.format_exception(refused))
        return {**Response.problem(self, job, refused), "detail": trace}


class _MarkupEscapedOnRead(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.op == "read" and job.document:
            shown = orjson.loads(job.document)
            job.document = orjson.dumps({**shown, "name": html.escape(shown["name"])})
        return job


class _NameInHeader(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.op == "create":
            for line in f"x-name: {job.body['name']}".splitlines():
                name, _, value = line.partition(":")
                if name.strip():
                    job.headers.append((name.strip().lower().encode("ascii"), value.strip().encode("utf-8")))
        return job


class _OneCodeForAll(Response):
    def problem(self, job: Job, refused: Refused) -> dict[str, object]:
        return {**Response.problem(self, job, refused), "code": "error", "type": "urn:createflow:problem:error"}


class _CodeOfStaleUpdate(Response):
    def problem(self, job: Job, refused: Refused) -> dict[str, object]:
        found = Response.problem(self, job, refused)
        other = {"code": "not_found", "type": "urn:createflow:problem:not_found"}
        return {**found, **other} if refused.status == 412 else found


class _MayBeStored(Response):
    always = ((b"x-content-type-options", b"nosniff"),)


class _VersionBanner(Response):
    always = (*Response.always, (b"x-powered-by", b"reference/0.1.7"))


class _OriginReflected(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        origin = job.exchange.headers.get(b"origin") if job.exchange else None
        if origin is not None:
            job.headers.append((b"access-control-allow-origin", origin))
            job.headers.append((b"access-control-allow-credentials", b"true"))
        return job


class _TokenEchoed(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        credential = job.exchange.headers.get(b"authorization", b"") if job.exchange else b""
        # The signature alone looks harmless, and is most of the token.
        job.headers.append((b"x-session", credential.rpartition(b".")[2]))
        return job


class _QueryInHeader(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.op == "read":
            job.headers.append((b"x-query", b"SELECT id, name, metadata FROM resources WHERE id = $1"))
        return job


class _PaymentRequired(Response):
    def refuse(self, job: Job, refused: Refused) -> Job:
        if refused.status == 403:
            refused = Refused(402, refused.code, refused.detail)
        return Response.refuse(self, job, refused)


class _NotANumber(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.op == "update" and job.document:
            job.document = job.document[:-1] + b',"elapsed":NaN}'
        return job


class _ProblemStatusDiffers(Response):
    def problem(self, job: Job, refused: Refused) -> dict[str, object]:
        return {**Response.problem(self, job, refused), "status": 400}


class _ProblemWithoutCode(Response):
    def problem(self, job: Job, refused: Refused) -> dict[str, object]:
        found = Response.problem(self, job, refused)
        return {name: value for name, value in found.items() if refused.status != 404 or name != "code"}


class _PublicReplies(Response):
    always = (*Response.always[1:], (b"cache-control", b"public, max-age=60"))


class _TagListCrashes(Response):
    async def __call__(self, job: Job) -> Job:
        if job.if_none_match.count(",") and job.op == "read":
            raise IndexError(job.if_none_match[:20])
        return await Response.__call__(self, job)


class _NotModifiedForOlder(Response):
    async def __call__(self, job: Job) -> Job:
        if job.op == "read" and job.if_none_match == f'"{job.version - 1}"':
            job.if_none_match = f'"{job.version}"'
        return await Response.__call__(self, job)


class _HeadHasOtherEtag(Response):
    async def __call__(self, job: Job) -> Job:
        job = await Response.__call__(self, job)
        if job.exchange is not None and job.exchange.method == "HEAD":
            job.headers = [(name, b'"head"' if name == b"etag" else value) for name, value in job.headers]
        return job


class _HeadFindsMissing(Response):
    def refuse(self, job: Job, refused: Refused) -> Job:
        job = Response.refuse(self, job, refused)
        if job.exchange is not None and job.exchange.method == "HEAD" and refused.status == 404:
            job.status = 200
        return job


DEFECTS = (
    Defect(
        "not_modified_for_older",
        Step.RESPONSE,
        "A read that has the version before the current one is answered with 304.",
        replace_stage(_NotModifiedForOlder),
    ),
    Defect(
        "head_has_other_etag",
        Step.RESPONSE,
        "The reply to a HEAD has another ETag than that to a read.",
        replace_stage(_HeadHasOtherEtag),
    ),
    Defect(
        "head_finds_missing",
        Step.RESPONSE,
        "HEAD of a missing resource is answered with 200.",
        replace_stage(_HeadFindsMissing),
    ),
    Defect("update_is_created", Step.RESPONSE, "An update is answered with 201.", replace_stage(_UpdateIsCreated)),
    Defect(
        "update_without_etag", Step.RESPONSE, "The reply to an update has no ETag.", replace_stage(_UpdateWithoutEtag)
    ),
    Defect(
        "ok_for_created", Step.RESPONSE, "A create is answered with 200 instead of 201.", replace_stage(_OkForCreated)
    ),
    Defect("no_location", Step.RESPONSE, "A 201 has no Location header.", replace_stage(_NoLocation)),
    Defect("location_wrong", Step.RESPONSE, "Location names another resource.", replace_stage(_LocationWrong)),
    Defect("missing_field", Step.RESPONSE, "The reply lacks created_by.", replace_stage(_MissingField)),
    Defect("local_time", Step.RESPONSE, "created_at is hours off and has no UTC offset.", replace_stage(_LocalTime)),
    Defect(
        "created_by_cut",
        Step.RESPONSE,
        "created_by is the first 64 characters of the subject.",
        replace_stage(_CreatedByCut),
    ),
    Defect(
        "created_by_from_body",
        Step.RESPONSE,
        "created_by is taken from the body, not from the token.",
        replace_stage(_CreatedByFromBody),
    ),
    Defect(
        "etag_differs", Step.RESPONSE, "The ETag of a 201 is not that of the resource.", replace_stage(_EtagDiffers)
    ),
    Defect("html_errors", Step.RESPONSE, "Errors are HTML pages.", replace_stage(_HtmlErrors)),
    Defect("stack_trace_leaks", Step.RESPONSE, "Error bodies show a stack trace.", replace_stage(_StackTraceLeaks)),
    Defect("one_code_for_all", Step.RESPONSE, "All refusals have the same error code.", replace_stage(_OneCodeForAll)),
    Defect(
        "code_of_stale_update",
        Step.RESPONSE,
        "The refusal of an update of another version has the code of a missing resource.",
        replace_stage(_CodeOfStaleUpdate),
    ),
    Defect(
        "may_be_stored",
        Step.RESPONSE,
        "Replies have no Cache-Control header: caches may store them.",
        replace_stage(_MayBeStored),
    ),
    Defect(
        "version_banner", Step.RESPONSE, "A header names the software and its version.", replace_stage(_VersionBanner)
    ),
    Defect(
        "origin_reflected",
        Step.RESPONSE,
        "Every origin may read replies with the user's credentials (CORS).",
        replace_stage(_OriginReflected),
    ),
    Defect(
        "markup_escaped_on_read",
        Step.RESPONSE,
        "A read shows HTML-escaped text, unlike the create.",
        replace_stage(_MarkupEscapedOnRead),
    ),
    Defect(
        "name_in_header",
        Step.RESPONSE,
        "The name is copied into a header, line breaks included.",
        replace_stage(_NameInHeader),
    ),
    Defect(
        "default_missing",
        Step.RESPONSE,
        "A field with its default value is missing in the reply.",
        replace_stage(_DefaultMissing),
    ),
    Defect(
        "byte_order_mark",
        Step.RESPONSE,
        "The JSON of a reply begins with a byte order mark.",
        replace_stage(_ByteOrderMark),
    ),
    Defect("id_repeated", Step.RESPONSE, "All resources have the same id.", replace_stage(_IdRepeated)),
    Defect(
        "location_from_header",
        Step.RESPONSE,
        "Location points to the host in the client's X-Forwarded-Host.",
        replace_stage(_LocationFromHeader),
    ),
    Defect(
        "time_of_reading",
        Step.RESPONSE,
        "created_at of a read differs from that of the create.",
        replace_stage(_TimeOfReading),
    ),
    Defect(
        "token_echoed",
        Step.RESPONSE,
        "A header of every success has the signature of the token.",
        replace_stage(_TokenEchoed),
    ),
    Defect("query_in_header", Step.RESPONSE, "A header of every read has its SQL.", replace_stage(_QueryInHeader)),
    Defect("payment_required", Step.RESPONSE, "A missing role is told as 402.", replace_stage(_PaymentRequired)),
    Defect("not_a_number", Step.RESPONSE, "The reply to an update contains NaN.", replace_stage(_NotANumber)),
    Defect(
        "problem_status_differs",
        Step.RESPONSE,
        "Every problem document says that the status is 400.",
        replace_stage(_ProblemStatusDiffers),
    ),
    Defect(
        "problem_without_code",
        Step.RESPONSE,
        "The problem document of a 404 has no code.",
        replace_stage(_ProblemWithoutCode),
    ),
    Defect(
        "public_replies",
        Step.RESPONSE,
        "Shared caches may keep every reply for a minute.",
        replace_stage(_PublicReplies),
    ),
    Defect(
        "tag_list_crashes",
        Step.RESPONSE,
        "A read with a list of tags in If-None-Match is answered with 500.",
        replace_stage(_TagListCrashes),
    ),
)
