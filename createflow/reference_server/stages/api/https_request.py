"""Step 1: the request as HTTP: path, method, media type, size, request id.

It refuses with 400, 404, 405, 413 (the declared length is too large), 415 and 431 (the header is too large). It answers
OPTIONS. It looks at the header only: what concerns body and condition is checked, and the body read, when step 5 asks
for it, after the token and the rate limit were checked. So a client without a token cannot make the server wait for a
body, and is told nothing but that a token is missing.
"""

import asyncio
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from urllib.parse import parse_qs

from createflow.reference_server.domain.job import Answered, Exchange, Job, Operation, Refused
from createflow.schemas.flow import Step

COLLECTION = "/api/resources"
SINGLETONS = frozenset(
    {b"host", b"content-type", b"content-length", b"content-encoding", b"idempotency-key", b"if-none-match"}
)
"""Fields that this server reads, and of which it would see only the last line. Content-Encoding and If-None-Match are
lists by RFC 9110, but each client of this server has one value to send. If-Match and Authorization are checked apart:
steps 1 and 3 tell their own reasons."""
_OF_THE_MESSAGE = frozenset({b"host", b"content-length"})
"""Those without which it is unclear where a message goes and where it ends."""
HEADERS_MAX_BYTES = 16 * 1024
BODY_WAIT_S = 10.0
_ON_COLLECTION: dict[str, Operation] = {"GET": "search", "HEAD": "search", "POST": "create"}
_ON_ITEM: dict[str, Operation] = {"DELETE": "delete", "GET": "read", "HEAD": "read", "PUT": "update"}
_CLOSE = (b"connection", b"close")
CONDITION_PATTERN = "[^ \\t,]"
_CONDITION = re.compile(CONDITION_PATTERN)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,128}")


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """Return the X-Request-ID of the request if it is well formed, otherwise a new id."""
    given = headers.get(b"x-request-id", b"")
    return given.decode("ascii") if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class HttpsRequest:
    """Finds the operation, and prepares to read a body of the right media type up to the size limit."""

    step: ClassVar[Step] = Step.HTTPS_REQUEST
    max_body_bytes: int

    async def __call__(self, job: Job) -> Job:
        """Set operation, resource id, the way to read the body, and the request's conditions.

        Raises:
            Refused: 400, 404, 405 or 431.
            Answered: to OPTIONS.
        """
        exchange = job.exchange
        if exchange is None:
            raise TypeError("step 1 needs an HTTP exchange")
        self.check_headers(exchange)
        self.route(job, exchange)
        headers = exchange.headers
        if job.op in {"create", "update"}:
            job.read_body = partial(self.read_body, exchange)
        job.check_fields = partial(self.check_fields, job, exchange)
        job.if_match = headers.get(b"if-match", b"").decode("latin-1")
        job.if_none_match = headers.get(b"if-none-match", b"").decode("latin-1")
        job.idempotency_key = headers.get(b"idempotency-key", b"").decode("latin-1")
        return job

    def check_fields(self, job: Job, exchange: Exchange) -> None:
        """Check what the header says about the body and the condition. Step 5 asks for it.

        Why not at once: who sends no token is told nothing but that (401), whatever the method and the rest.

        Raises:
            Refused: 400, 413 or 415.
        """
        if exchange.repeated:
            self.check_singletons(exchange.repeated - _OF_THE_MESSAGE)
        if job.op in {"create", "update"}:
            self.check_media_type(exchange.headers)
            self.check_length(exchange.headers)
        if b"if-match" in exchange.headers:
            self.check_condition(exchange)

    def check_headers(self, exchange: Exchange) -> None:
        """Check the size of the header, that there is a Host, and that what may come only once does (RFC 9112 §3.2).

        RFC 9110 §5.3: a sender must not generate several lines of a field that is not a list. A proxy in front of us
        may have used another one of them than we would.

        Raises:
            Refused: 400 or 431.
        """
        if exchange.headers_bytes > HEADERS_MAX_BYTES:
            raise Refused(431, "headers_too_large", f"Header fields may have {HEADERS_MAX_BYTES} bytes.")
        if b"host" not in exchange.headers:
            raise Refused(400, "bad_request", "A request must have exactly one Host field.")
        if exchange.repeated:
            self.check_singletons(exchange.repeated & _OF_THE_MESSAGE)

    def check_singletons(self, repeated: frozenset[bytes]) -> None:
        """Check that no field of ``SINGLETONS`` came more than once.

        Raises:
            Refused: 400.
        """
        twice = sorted(repeated & SINGLETONS)
        if twice:
            names = ", ".join(name.decode("ascii") for name in twice)
            raise Refused(400, "bad_request", f"A request may have this field only once: {names}.")

    def check_condition(self, exchange: Exchange) -> None:
        """Check that there is one If-Match, and that it is not empty (RFC 9110 §13.1.1: ``"*" / #entity-tag``).

        Several fields could be joined, and an empty list would match nothing. But a client that sends either has a
        defect, and an update that loses its condition overwrites the work of others.

        Raises:
            Refused: 400.
        """
        if b"if-match" in exchange.repeated or not _CONDITION.search(exchange.headers[b"if-match"].decode("latin-1")):
            raise Refused(400, "bad_request", "There must be one If-Match field, with an entity tag or *.")

    def route(self, job: Job, exchange: Exchange) -> None:
        """Set operation, resource id and search query from method and path.

        Raises:
            Refused: 400, 404 or 405.
            Answered: to OPTIONS.
        """
        path = exchange.path
        if path == COLLECTION:
            methods = _ON_COLLECTION
        elif path.startswith(COLLECTION + "/") and "/" not in path[len(COLLECTION) + 1 :]:
            methods = _ON_ITEM
            job.resource_id = path[len(COLLECTION) + 1 :]
        else:
            raise Refused(404, "not_found", "There is nothing at this path.")
        op = methods.get(exchange.method)
        if op is None:
            raise self.options(tuple(methods)) if exchange.method == "OPTIONS" else self.not_allowed(tuple(methods))
        job.op = op
        if op == "search":
            job.query = self.search_query(exchange.query)

    def search_query(self, query: bytes) -> str:
        """Return the parameter ``q``, the first if there are several; empty if there is none.

        Raises:
            Refused: 400.
        """
        if not query:
            return ""
        try:
            return parse_qs(query.decode("latin-1"), max_num_fields=100).get("q", [""])[0]
        except ValueError:
            raise Refused(400, "bad_request", "The query has too many parameters.") from None

    def not_allowed(self, methods: tuple[str, ...]) -> Refused:
        """Return the 405. RFC 9110 §15.5.6: the origin server MUST generate an Allow header field in a 405 response."""
        return Refused(
            405, "method_not_allowed", "This path does not have this method.", headers=(self.allow(methods),)
        )

    def options(self, methods: tuple[str, ...]) -> Answered:
        """Return the answer to OPTIONS (RFC 9110 §9.3.7). It needs no token: the methods are documented anyway."""
        return Answered(204, "options", headers=(self.allow(methods),))

    def allow(self, methods: tuple[str, ...]) -> tuple[bytes, bytes]:
        """Return the Allow field with the methods of the path (RFC 9110 §10.2.1)."""
        return b"allow", ", ".join((*methods, "OPTIONS")).encode("ascii")

    def check_media_type(self, headers: Mapping[bytes, bytes]) -> None:
        """Check that the body is JSON in UTF-8 and not compressed, since decompression could exceed every limit.

        Raises:
            Refused: 415.
        """
        kind, _, parameters = headers.get(b"content-type", b"").partition(b";")
        charset = parameters.strip().lower()
        if kind.strip().lower() != b"application/json" or (
            charset.startswith(b"charset=") and charset[8:].strip(b'"') != b"utf-8"
        ):
            accept = ((b"accept", b"application/json"),)
            raise Refused(415, "unsupported_media_type", "Send application/json in UTF-8.", headers=accept)
        if headers.get(b"content-encoding", b"identity").strip().lower() not in {b"identity", b""}:
            accept = ((b"accept-encoding", b"identity"),)
            raise Refused(415, "unsupported_media_type", "Send the body without encoding.", headers=accept)

    def check_length(self, headers: Mapping[bytes, bytes]) -> None:
        """Check the declared length of the body.

        Raises:
            Refused: 413.
        """
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and (len(declared) > 18 or int(declared) > self.max_body_bytes):
            raise self._too_large()

    async def read_body(self, exchange: Exchange) -> bytes:
        """Return the body; reading stops as soon as it is known to be too large.

        Raises:
            Refused: 400 (it ended early), 408 (it did not arrive in time) or 413.
        """
        try:
            async with asyncio.timeout(BODY_WAIT_S):
                return await self._rest(exchange, await exchange.receive())
        except TimeoutError:
            detail = "The body did not arrive in time."
            raise Refused(408, "request_timeout", detail, headers=(_CLOSE,)) from None

    async def _rest(self, exchange: Exchange, message: dict[str, object]) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            if message["type"] != "http.request":
                raise Refused(400, "bad_request", "The body ended early.")
            part = message.get("body", b"")
            if isinstance(part, bytes):
                size += len(part)
                parts.append(part)
            if size > self.max_body_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return b"".join(parts)
            message = await exchange.receive()

    def _too_large(self) -> Refused:
        detail = f"A body may have {self.max_body_bytes} bytes."
        return Refused(413, "body_too_large", detail, headers=(_CLOSE,))
