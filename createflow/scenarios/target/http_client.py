"""One pool of HTTP connections to the target, shared by all checks of a run."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from http.cookiejar import CookieJar

import httpcore
import httpx

import createflow
from createflow.scenarios.target.bounded_body import CODINGS, BodyRefused, whole_body
from createflow.scenarios.target.exchange_record import cut, request_record, shown_headers
from createflow.scenarios.target.gate import (
    ENDED,
    FAILURES,
    NO_HTTP_2,
    Gate,
    GatedTransport,
    OriginRefused,
    ReceivedTooMuch,
    limited,
)
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import RunContext, Together
from createflow.scenarios.target.tls import trusted_context
from createflow.scenarios.target.traffic.waiting import answering
from createflow.scenarios.text import trace_context
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile_target import Target
from createflow.schemas.report import Exchange

_CONNECT_TIMEOUT_RATIO = 0.9
MAX_BODY_BYTES = 256 * 1024
"""Of a reply, besides twice the ``max_body_bytes`` of the profile. Checks hold many replies at once."""
MAX_COLLECTION_BYTES = 4 * 1024 * 1024
"""Of the reply to a read of the collection."""
_VERSIONS = frozenset({b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2"})
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
MAX_HEADER_LINES = 256
MAX_HEADER_BYTES = 64 * 1024


class NoReply(Exception):  # noqa: N818 - a fact about the target that no check may take for a refusal
    """No complete reply came: the connection was refused or reset, the time was up, or the reply never ended."""

    def __init__(self, message: str, exchange: Exchange) -> None:
        super().__init__(message)
        self.exchange = exchange
        self.may_be_closing = False
        """A reused connection ended without a byte: the server may have closed it before the request came."""


class NoConnection(NoReply):
    """No connection was made, so nothing was sent."""


class BadReply(NoReply):
    """A reply began, but is not a whole one: it is no valid HTTP, breaks off, or is larger or slower than allowed.

    That is the target's fault, and reported once: see ``conformance.bad_replies``.
    """


class HttpConnection:
    """The pool. Proxies of the environment are not used: the target is measured, not the way to it.

    Every request passes a gate that is open to the origin of ``base_url`` only.

    Raises:
        UserError: the base URL is not an address.
    """

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self._gate = Gate.to(context.target.base_url, key="target.base_url")
        own = (value for name, value in context.target.headers.items() if name.lower() == trace_context.HEADER)
        self._traceparent = next(own, "")
        """Of the profile, which then goes with every request."""
        self._max_body_bytes = MAX_BODY_BYTES + 2 * (context.target.max_body_bytes or 0)
        try:
            trust = trusted_context(
                context.target.ca_file, context.target.certificate_parts, is_verified=context.target.verify_tls
            )
            self._transport = GatedTransport(self._gate, trust, is_http_2=context.target.http == "2")
            self.client = _client(context.target, context.run_id, self._transport)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise UserError(
                f"target.base_url: not a valid address: {cut(str(error).encode('utf-8', 'replace'))[:80]}",
                hint="scheme, host and port: https://api.example.com:8443",
            ) from None

    async def close(self) -> None:
        """Close every connection."""
        await self.client.aclose()

    async def send(
        self,
        method: str,
        url: str,
        who: Principal,
        headers: Mapping[str, str],
        content: bytes | None,
        *,
        is_collection: bool = False,
        is_paced: bool = True,
        hold: Together | None = None,
    ) -> Reply:
        """Send one request and read the whole reply. No redirect is followed.

        Args:
            is_collection: the reply may have the size of a list of resources.
            is_paced: it is sent within the promised rate; for observers.
            hold: keep the last byte of the content back until all requests of a race are there.

        Raises:
            OriginRefused: the URL is not on the origin of ``base_url``; nothing was sent.
            NoReply: none came within the profile's ``timeout_s``.
            BadReply: something came that is not a whole reply within the bounds.
        """
        target = self.context.target
        sent = dict(headers)
        if who.token is not None:
            for secret in who.secrets():
                self.context.mask.add(secret, shown="$TOKEN")
            sent.update(who.lines())
        traceparent = self._traceparent or sent.get(trace_context.HEADER) or trace_context.new_traceparent()
        trace = {} if self._traceparent else {trace_context.HEADER: traceparent}
        try:
            body = content if hold is None or not content else _held(content, hold)
            length = {"content-length": str(len(content))} if content and body is not content else {}
            request = self.client.build_request(
                method, url, headers=_encoded({**trace, **sent, **length}), content=body
            )
        except httpx.InvalidURL as error:
            raise OriginRefused(f"nothing was sent to an address that cannot be used: {error}") from None
        self._gate.require(str(request.url))
        shown_url = str(request.url)
        if who.query:
            request.url = httpx.URL(who.placed(shown_url))
        await _sign(request, who, content or b"")
        record = request_record(target, request.method, shown_url, who=who, headers=sent, content=content)
        record = record.model_copy(update={"trace_id": trace_context.trace_id_in(traceparent)})
        max_bytes = MAX_COLLECTION_BYTES if is_collection else self._max_body_bytes
        traffic = self.context.traffic
        sending = traffic.begin(who.identity)
        sent_at, start = time.time(), time.perf_counter()
        has_ended = False
        try:
            with limited(max_bytes) as meter:
                response, received = await self._exchange(request, max_bytes)
        except (TimeoutError, httpcore.ConnectTimeout, httpx.ConnectTimeout):
            message = f"no complete reply within {target.timeout_s:g} s"
        except (BodyRefused, ReceivedTooMuch) as error:
            message = str(error)
            meter.received_bytes = meter.received_bytes or 1
        except FAILURES as error:
            message = _reason(error)
            has_ended = isinstance(error, ENDED)
        else:
            elapsed_ms = (time.perf_counter() - start) * 1000
            exchange = record.model_copy(
                update={
                    "status": response.status_code,
                    "response_headers": shown_headers(response.headers),
                    "response_body": cut(received),
                    "elapsed_ms": round(elapsed_ms, 3),
                }
            )
            traffic.resent += meter.resent
            traffic.end(
                sending,
                exchange,
                url=shown_url,
                request_headers={**request.headers, **sent},
                content=content or b"",
                status=response.status_code,
                headers=tuple((name.lower(), value) for name, value in response.headers.multi_items()),
                body=received,
                is_paced=is_paced,
            )
            sent_at = sent_at if hold is None else hold.released_at
            return Reply(response.status_code, dict(response.headers), received, exchange, sent_at, time.time())
        # A reply that breaks off while a fault is on says nothing of the target's HTTP.
        is_cut = has_ended and traffic.had_fault_since(sending)
        traffic.fail(sending)
        elapsed_ms = (time.perf_counter() - start) * 1000
        failure = (BadReply if meter.received_bytes and not is_cut else NoReply)(
            f"{method} {record.url}: {message}",
            record.model_copy(update={"error": message, "elapsed_ms": round(elapsed_ms, 3)}),
        )
        failure.may_be_closing = meter.is_reused and has_ended and not meter.received_bytes
        raise failure

    async def _exchange(self, request: httpx.Request, max_bytes: int) -> tuple[httpx.Response, bytes]:
        with answering():
            return await self._answer(request, max_bytes)

    async def _answer(self, request: httpx.Request, max_bytes: int) -> tuple[httpx.Response, bytes]:
        async with asyncio.timeout(self.context.target.timeout_s):
            # Past the client, which only makes the request: there are no redirects, cookies or hooks to look after.
            response = await self._transport.handle_async_request(request)
            try:
                _require_valid_header(response)
                return response, await whole_body(response, max_bytes)
            finally:
                await response.aclose()

    async def require_reachable(self) -> int:
        """Send one request; any HTTP reply will do. Returns its status.

        Raises:
            TargetError: nothing answers.
        """
        target = self.context.target
        try:
            # A variable in the path has no value before the set-up requests.
            reply = await self.send("GET", target.path.partition("{")[0], ANONYMOUS, {}, None, is_collection=True)
        except NoReply as error:
            raise TargetError(target.base_url, error.exchange.error, hint=_hint(target, error.exchange.error)) from None
        return reply.status


def _hint(target: Target, error: str) -> str:
    """What to look at after a first request without a reply."""
    for sign, hint in _HINTS.items():
        if sign in error:
            return hint
    if target.http == "2":
        return 'does it speak HTTP/2, in the clear with an http:// address? target.http = "1.1" is the default'
    if target.base_url.startswith("https:") and target.client_certificate is None:
        # Many servers only close the connection.
        return "is it running, is the address right, does it want a certificate of yours? [target.client_certificate]"
    return "is it running, and is the address right?"


_HINTS = {
    NO_HTTP_2: 'target.http = "1.1"',
    "NO_APPLICATION_PROTOCOL": 'does it offer HTTP/2? target.http = "1.1" is the default',
    "CERTIFICATE_VERIFY_FAILED": "its authority, in PEM: target.ca_file or --ca FILE; else --insecure",
    "CERTIFICATE_REQUIRED": "the target asks for a certificate of yours: [target.client_certificate]",
    "HANDSHAKE_FAILURE": "does the target ask for a certificate of yours? [target.client_certificate]",
    "SSL": "does this port speak TLS? target.base_url: http:// or https://",
    "Name or service not known": "the name cannot be resolved: target.base_url",
    "Temporary failure in name resolution": "the name cannot be resolved now: target.base_url",
    "No address associated": "the name has no address: target.base_url",
    "All connection attempts failed": "is it running? target.base_url; run and doctor can wait for it: --wait 30s",
    "Server disconnected": "it closes the connection: does this port want https://? target.base_url",
}
"""By words of the error, from the one that says most."""


def _client(target: Target, run_id: str, transport: GatedTransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=target.base_url,
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        cookies=_NoCookies(),
        # Every request has an overall limit in send(); but a handshake that is interrupted by it leaks its socket.
        timeout=httpx.Timeout(None, connect=target.timeout_s * _CONNECT_TIMEOUT_RATIO),
        headers={
            "user-agent": f"createflow/{createflow.__version__} (run {run_id})",
            "accept": target.accept,
            "accept-encoding": ", ".join(CODINGS),
            **target.headers,
        },
    )


class _NoCookies(CookieJar):
    """Keeps nothing: a cookie of one principal must not go with the request of another."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Take none."""


def _require_valid_header(response: httpx.Response) -> None:
    """Require a header within the bounds, and what the parser does not look at."""
    lines = response.headers.raw
    version = response.extensions.get("http_version", b"HTTP/1.1")
    if version not in _VERSIONS:
        raise BodyRefused(f"the reply has the version {version[:20].decode('latin-1')!r} (RFC 9112 §2.3)")
    names = {name.lower() for name, _ in lines}
    if {b"content-length", b"transfer-encoding"} <= names:
        raise BodyRefused("the reply has Content-Length and Transfer-Encoding (RFC 9112 §6.2)")
    for name, value in lines:
        if _CONTROL.search(value):
            raise BodyRefused(f"the value of {name[:40].decode('latin-1')} has a control character (RFC 9110 §5.5)")
    if len(lines) > MAX_HEADER_LINES:
        raise BodyRefused(f"the reply has more than {MAX_HEADER_LINES} header lines")
    if sum(len(name) + len(value) for name, value in lines) > MAX_HEADER_BYTES:
        raise BodyRefused(f"the header of the reply is longer than {MAX_HEADER_BYTES} bytes")


async def _sign(request: httpx.Request, who: Principal, content: bytes) -> None:
    """Add the headers of the principal's signature, where a command signs for it."""
    if who.signer is not None:
        named = {name.lower(): value for name, value in request.headers.items()}
        request.headers.update(await who.signer.sign(request.method, str(request.url), named, content))


async def _held(content: bytes, hold: Together) -> AsyncIterator[bytes]:
    """The content, in two parts; the second is one byte."""
    yield content[:-1]
    await hold.wait()
    yield content[-1:]


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """As bytes: checks deliberately send header values that httpx refuses as text."""
    return [(name.encode("ascii"), value.encode("utf-8")) for name, value in headers.items()]


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return str(error) or str(cause) or type(error).__name__
