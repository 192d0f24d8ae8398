"""Step 1: the request as HTTP: method, media type, size, request id."""

import asyncio
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import parse_qs

from createflow.reference_server.domain.job import Answered, Exchange, Job, Operation, Refused
from createflow.schemas.flow import Step

COLLECTION = "/api/resources"
HEADERS_MAX_BYTES = 16 * 1024
BODY_WAIT_S = 10.0
_ON_COLLECTION: dict[str, Operation] = {"GET": "search", "HEAD": "search", "POST": "create"}
_ON_ITEM: dict[str, Operation] = {"DELETE": "delete", "GET": "read", "HEAD": "read", "PUT": "update"}
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,128}")


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """The client's or the balancer's request id when it is well formed, else a new one."""
    given = headers.get(b"x-request-id", b"")
    return given.decode("ascii") if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class HttpsRequest:
    """Find the operation, and read a body of the right kind that is no larger than allowed."""

    step: ClassVar[Step] = Step.HTTPS_REQUEST
    max_body_bytes: int

    async def __call__(self, job: Job) -> Job:
        """Set operation, raw body and the request's conditions.

        Raises:
            Refused: 400, 404, 405, 408, 413, 415 or 431.
            Answered: to OPTIONS.
        """
        exchange = job.exchange
        if exchange is None:
            raise TypeError("step 1 needs an HTTP exchange")
        self.check_headers(exchange)
        self.route(job, exchange)
        headers = exchange.headers
        if job.op in {"create", "update"}:
            self.check_media_type(headers)
            job.raw = await self._body(exchange)
        if b"if-match" in headers:
            self.check_condition(exchange)
            job.if_match = headers[b"if-match"].decode("latin-1")
        job.if_none_match = headers.get(b"if-none-match", b"").decode("latin-1")
        job.idempotency_key = headers.get(b"idempotency-key", b"").decode("latin-1")
        return job

    def check_headers(self, exchange: Exchange) -> None:
        """One Host (RFC 9112 §3.2), and no more than a proper client sends.

        Raises:
            Refused: 400 or 431.
        """
        if exchange.headers_bytes > HEADERS_MAX_BYTES:
            raise Refused(431, "headers_too_large", f"Header fields may have {HEADERS_MAX_BYTES} bytes.")
        if b"host" not in exchange.headers or b"host" in exchange.repeated:
            raise Refused(400, "bad_request", "A request has one Host.")

    def check_condition(self, exchange: Exchange) -> None:
        """One If-Match that names something (RFC 9110 §13.1.1: ``"*" / #entity-tag``).

        Lines could be joined, and nothing matches an empty list. But whoever sends either has made a mistake, and an
        update that forgets its condition overwrites.

        Raises:
            Refused: 400.
        """
        if b"if-match" in exchange.repeated or not exchange.headers[b"if-match"].strip(b" \t,"):
            raise Refused(400, "bad_request", "If-Match comes once, and names an entity tag.")

    def route(self, job: Job, exchange: Exchange) -> None:
        """Set operation and id from method and path."""
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
            job.query = self.search_words(exchange.query)

    def search_words(self, query: bytes) -> str:
        """The parameter ``q``; the first when there are several."""
        if not query:
            return ""
        try:
            return parse_qs(query.decode("latin-1"), max_num_fields=100).get("q", [""])[0]
        except ValueError:
            raise Refused(400, "bad_request", "The query has too many parameters.") from None

    def not_allowed(self, methods: tuple[str, ...]) -> Refused:
        """RFC 9110 §15.5.6: the origin server MUST generate an Allow header field in a 405 response."""
        return Refused(405, "method_not_allowed", "Not a method of this path.", headers=(self.allow(methods),))

    def options(self, methods: tuple[str, ...]) -> Answered:
        """RFC 9110 §9.3.7: what the path has; nobody needs a token to learn what is documented."""
        return Answered(204, "options", headers=(self.allow(methods),))

    def allow(self, methods: tuple[str, ...]) -> tuple[bytes, bytes]:
        """RFC 9110 §10.2.1: the methods of the path, as a header."""
        return b"allow", ", ".join((*methods, "OPTIONS")).encode("ascii")

    def check_media_type(self, headers: Mapping[bytes, bytes]) -> None:
        """JSON, not compressed: a compressed body could grow past every limit when it is read."""
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

    async def _body(self, exchange: Exchange) -> bytes:
        """All of the body, given up as soon as it is known to be too large."""
        declared = exchange.headers.get(b"content-length", b"")
        if declared.isdigit() and (len(declared) > 18 or int(declared) > self.max_body_bytes):
            raise self._too_large()
        try:
            async with asyncio.timeout(BODY_WAIT_S):
                return await self._rest(exchange, await exchange.receive())
        except TimeoutError:
            raise Refused(408, "request_timeout", "The body did not arrive in time.") from None

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
        return Refused(413, "body_too_large", detail, headers=((b"connection", b"close"),))
