"""Defects of step 1: the request as HTTP."""

import gzip
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import change_stage, recast, replace_stage
from createflow.reference_server.domain.job import Answered, Exchange, Job, Refused
from createflow.reference_server.stages.api.https_request import HttpsRequest
from createflow.schemas.flow import Step

_SERVED_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class _AnyMediaType(HttpsRequest):
    def check_media_type(self, headers: Mapping[bytes, bytes]) -> None:
        pass


class _UnboundedHeaders(HttpsRequest):
    def check_headers(self, exchange: Exchange) -> None:
        pass


class _InflatesBodies(HttpsRequest):
    def check_media_type(self, headers: Mapping[bytes, bytes]) -> None:
        plain = {name: value for name, value in headers.items() if name != b"content-encoding"}
        HttpsRequest.check_media_type(self, plain)

    async def read_body(self, exchange: Exchange) -> bytes:
        raw = await HttpsRequest.read_body(self, exchange)
        if raw.startswith(b"\x1f\x8b"):
            return gzip.decompress(raw).strip()  # the padding does not count against the limit
        return raw


class _UnboundedChunks(HttpsRequest):
    async def read_body(self, exchange: Exchange) -> bytes:
        counted = self if b"content-length" in exchange.headers else replace(self, max_body_bytes=2**40)
        return await HttpsRequest.read_body(counted, exchange)


class _UpdatesOfAnyMediaType(HttpsRequest):
    def check_fields(self, job: Job, exchange: Exchange) -> None:
        mutant = recast(self, _AnyMediaType) if job.op == "update" else self
        HttpsRequest.check_fields(mutant, job, exchange)


class _UnboundedUpdates(HttpsRequest):
    async def __call__(self, job: Job) -> Job:
        job = await HttpsRequest.__call__(self, job)
        if job.op == "update" and job.exchange is not None:
            mutant = _without_body_limit(self)
            job.read_body = partial(mutant.read_body, job.exchange)
            job.check_fields = partial(HttpsRequest.check_fields, mutant, job, job.exchange)
        return job


class _EmptyConditionDropped(HttpsRequest):
    def check_condition(self, exchange: Exchange) -> None:
        pass


class _AllowWithoutCommas(HttpsRequest):
    def allow(self, methods: tuple[str, ...]) -> tuple[bytes, bytes]:
        return b"allow", " ".join(methods).encode("ascii")


class _AllowWithoutPut(HttpsRequest):
    def allow(self, methods: tuple[str, ...]) -> tuple[bytes, bytes]:
        return HttpsRequest.allow(self, tuple(method for method in methods if method != "PUT"))


class _ConditionFirst(HttpsRequest):
    async def __call__(self, job: Job) -> Job:
        job = await HttpsRequest.__call__(self, job)
        if job.check_fields is not None:
            job.check_fields()
        return job


class _HostNotNeeded(HttpsRequest):
    def check_headers(self, exchange: Exchange) -> None:
        headers = {b"host": b"localhost", **exchange.headers}
        HttpsRequest.check_headers(self, replace(exchange, headers=headers, repeated=frozenset()))


class _NoAllowHeader(HttpsRequest):
    def not_allowed(self, methods: tuple[str, ...]) -> Refused:  # noqa: ARG002 - the healthy signature
        return Refused(405, "method_not_allowed", "Not a method of this path.")


class _TakesAnyMethod(HttpsRequest):
    def route(self, job: Job, exchange: Exchange) -> None:
        method = exchange.method if exchange.method in _SERVED_METHODS else "POST"
        HttpsRequest.route(self, job, replace(exchange, method=method))


class _OptionsDiffer(HttpsRequest):
    def options(self, methods: tuple[str, ...]) -> Answered:
        return HttpsRequest.options(self, (*methods, "PATCH"))


def _with_half_the_limit(stage: HttpsRequest) -> HttpsRequest:
    return replace(stage, max_body_bytes=stage.max_body_bytes // 2)


def _without_body_limit(stage: HttpsRequest) -> HttpsRequest:
    return replace(stage, max_body_bytes=2**40)


DEFECTS = (
    Defect(
        "body_limit_halved",
        Step.HTTPS_REQUEST,
        "A body of half the declared size is refused.",
        change_stage(Step.HTTPS_REQUEST, _with_half_the_limit),
    ),
    Defect(
        "updates_of_any_media_type",
        Step.HTTPS_REQUEST,
        "An update sent as text/plain is accepted.",
        replace_stage(_UpdatesOfAnyMediaType),
    ),
    Defect(
        "unbounded_updates",
        Step.HTTPS_REQUEST,
        "The size limit does not count for updates.",
        replace_stage(_UnboundedUpdates),
    ),
    Defect(
        "condition_first",
        Step.HTTPS_REQUEST,
        "Media type, length and conditions are looked at before the token.",
        replace_stage(_ConditionFirst),
    ),
    Defect(
        "host_not_needed",
        Step.HTTPS_REQUEST,
        "A request without Host, or with two of them, is served.",
        replace_stage(_HostNotNeeded),
    ),
    Defect(
        "any_media_type",
        Step.HTTPS_REQUEST,
        "A text/plain body is parsed as JSON and accepted.",
        replace_stage(_AnyMediaType),
    ),
    Defect("no_allow_header", Step.HTTPS_REQUEST, "A 405 has no Allow header.", replace_stage(_NoAllowHeader)),
    Defect(
        "takes_any_method",
        Step.HTTPS_REQUEST,
        "A method of WebDAV is served as POST.",
        replace_stage(_TakesAnyMethod),
    ),
    Defect(
        "options_differ",
        Step.HTTPS_REQUEST,
        "OPTIONS lists a method that the server refuses.",
        replace_stage(_OptionsDiffer),
    ),
    Defect(
        "unbounded_body",
        Step.HTTPS_REQUEST,
        "A body above the size limit is read and validated.",
        change_stage(Step.HTTPS_REQUEST, _without_body_limit),
    ),
    Defect(
        "unbounded_chunks",
        Step.HTTPS_REQUEST,
        "The size limit counts for a body with Content-Length only.",
        replace_stage(_UnboundedChunks),
    ),
    Defect(
        "unbounded_headers", Step.HTTPS_REQUEST, "Header fields of any size are read.", replace_stage(_UnboundedHeaders)
    ),
    Defect(
        "empty_condition_dropped",
        Step.HTTPS_REQUEST,
        "An empty If-Match counts as no condition.",
        replace_stage(_EmptyConditionDropped),
    ),
    Defect(
        "inflates_bodies",
        Step.HTTPS_REQUEST,
        "Compressed bodies are decompressed without a limit.",
        replace_stage(_InflatesBodies),
    ),
    Defect(
        "allow_without_put",
        Step.HTTPS_REQUEST,
        "The Allow of a resource leaves PUT out.",
        replace_stage(_AllowWithoutPut),
    ),
    Defect(
        "allow_without_commas",
        Step.HTTPS_REQUEST,
        "The methods in Allow are separated by blanks.",
        replace_stage(_AllowWithoutCommas),
    ),
)
