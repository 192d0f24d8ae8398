"""Raw bytes on single connections: requests that no HTTP client sends, and the replies as they were on the wire."""

import asyncio
import re
import ssl
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

import createflow
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.callback_listener import is_loopback
from createflow.scenarios.target.gate import MAX_INTERIM_REPLIES, Gate
from createflow.scenarios.target.http_client import BadReply, NoConnection, NoReply
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import RawExchange, RawReply
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.target.tls import trusted_context
from createflow.scenarios.target.traffic.observed import Sending
from createflow.scenarios.text import trace_context
from createflow.schemas.origin import Origin
from createflow.schemas.report import Exchange

MAX_HEADER_BYTES = 64 * 1024
"""Of the header lines and trailers of one reply."""
_TIMEOUT_S = 5.0
_TRACEPARENT = re.compile(rb"\r\ntraceparent:([^\r\n]*)", re.IGNORECASE)
_QUIET_S = 1.0
"""Silence after the first reply that means that no further one comes."""
_MAX_REPLY_BYTES = 1024 * 1024
_SHOWN = 4096


@dataclass(frozen=True, slots=True)
class RawCreate:
    """A create that was sent in raw bytes, for the ledger of the run."""

    content: bytes
    """What followed the header."""
    who: Principal
    reply: RawReply | None
    """None: no reply came from the target, so it may have been carried out."""
    exchange: Exchange
    sent_at: float
    received_at: float


class RawSocket:
    """Fills the role RawHttp.

    Args:
        context: of the run.
        on_create: told of every create, so that what it left behind is looked at and removed as after any other.
    """

    def __init__(self, context: RunContext, on_create: Callable[[RawCreate], None] = lambda _: None) -> None:
        target = context.target
        self._context = context
        self._on_create = on_create
        self._senders: dict[str, Principal] = {}
        """Principals by the credential that they send."""
        self._method = target.method
        self._media_type = target.content_type
        self._accept = target.accept
        origin = Origin.of(target.base_url)
        self._secure = origin.scheme == "https"
        self._name = origin.host
        self._port = origin.port
        # Without TLS, ``plaintext_creates_nothing`` also tries the same port and port 80 of the host.
        self._gate = Gate([origin, *(Origin("http", origin.host, port) for port in (origin.port, 80))])
        self._ca_file = target.ca_file
        self._client_certificate = target.certificate_parts
        self._is_verified = target.verify_tls
        self._headers = dict(target.headers)
        self._is_traced = all(name.lower() != trace_context.HEADER for name in target.headers)
        self._run_id = context.run_id
        self._mask = context.mask
        self.authority = urlsplit(target.base_url).netloc
        self.is_local = is_loopback(target.base_url)

    def request(
        self,
        body: bytes,
        *,
        who: Principal,
        method: str | None = None,
        lines: Sequence[str] | None = None,
        host: Sequence[str] | None = None,
        with_profile_headers: bool = True,
    ) -> bytes:
        """A create as bytes: see the protocol ``RawHttp``.

        Raises:
            NotDeclared: a command signs requests, and these bytes may be none.
        """
        if who.signer is not None:
            raise NotDeclared('`auth.kind` is "signer": raw bytes are not signed')
        framing = [f"Content-Length: {len(body)}"] if lines is None else list(lines)
        hosts = [self.authority] if host is None else list(host)
        head = [
            f"{method or self._method} {who.placed(self._path())} HTTP/1.1",
            *(f"Host: {value}" for value in hosts),
            f"User-Agent: createflow/{createflow.__version__} (run {self._run_id})",
            f"Accept: {self._accept}",
            *([f"{trace_context.HEADER}: {trace_context.new_traceparent()}"] if self._is_traced else []),
            *(f"{name}: {value}" for name, value in (self._headers if with_profile_headers else {}).items()),
        ]
        if not any(line.lower().startswith("content-type:") for line in framing):
            head.append(f"Content-Type: {self._media_type}")
        if who.token is not None:
            for secret in who.secrets():
                self._mask.add(secret, shown="$TOKEN")
            lines_of = who.lines()
            self._senders[lines_of[who.header] if lines_of else who.pair(who.token)] = who
            head += [f"{name}: {value}" for name, value in lines_of.items()]
        framing = [self._with_own_key(line) for line in framing]
        return "\r\n".join([*head, *framing, "", ""]).encode("latin-1") + body

    def _with_own_key(self, line: str) -> str:
        """A header line as it is, or with an Idempotency-Key as the target takes it."""
        name, _, key = line.partition(": ")
        if name != "Idempotency-Key":
            return line
        target = self._context.target
        is_bare = target.idempotency_key_form == "bare" or key.startswith('"')
        return f"{target.idempotency_header}: {key}" if is_bare else f'{target.idempotency_header}: "{key}"'

    async def send(self, request: bytes, *, expected_replies: int = 1, then_abort: bool = False) -> RawExchange:
        """Send the bytes on a new connection and read until that many replies came, or the end.

        Raises:
            NoReply: no connection, or no reply within the time.
        """
        # Without a credential as well: a target that asks for none may count all requests together.
        await self._context.pace.wait(self._sender_of(request.partition(b"\r\n\r\n")[0]).identity)
        return await self._exchange(
            request, self._port, secure=self._secure, expected_replies=expected_replies, then_abort=then_abort
        )

    async def send_plaintext(self, request: bytes, *, port: int | None = None) -> RawExchange:
        """The same without TLS, to the target's own port or to another one of its host."""
        return await self._exchange(request, port or self._port, secure=False, expected_replies=1, then_abort=False)

    async def _exchange(
        self, sent: bytes, port: int, *, secure: bool, expected_replies: int, then_abort: bool
    ) -> RawExchange:
        self._context.traffic.raw_connections += 1
        try:
            return await self._exchanged(
                sent, port, secure=secure, expected_replies=expected_replies, then_abort=then_abort
            )
        finally:
            self._context.traffic.raw_connections -= 1

    async def _exchanged(
        self, sent: bytes, port: int, *, secure: bool, expected_replies: int, then_abort: bool
    ) -> RawExchange:
        start, sent_at = time.perf_counter(), time.time()
        sending = self._context.traffic.begin("", is_raw=True)
        received, closed = bytearray(), False
        parser = RawReplies()
        url = self._url(port, secure=secure)
        self._gate.require(f"{'https' if secure else 'http'}://{self._host()}:{port}")
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(
                    self._name,
                    port,
                    ssl=self._tls_context() if secure else None,
                    server_hostname=self._name if secure else None,
                )
        except (OSError, TimeoutError) as error:
            raise NoConnection(f"no raw connection: {error}", self._record(url, sent, b"", 0.0)) from None
        try:
            writer.write(sent)
            if then_abort:
                await writer.drain()
                self._note_create(sent, (), self._record(url, sent, b"", 0.0), sent_at)
                return RawExchange((), is_closed=False, exchange=self._record(url, sent, b"", 0.0))
            deadline = start + _TIMEOUT_S
            while parser.count < expected_replies and not parser.problem and len(received) < _MAX_REPLY_BYTES:
                read_timeout_s = min(deadline - time.perf_counter(), _QUIET_S if parser.count else _TIMEOUT_S)
                if read_timeout_s <= 0:
                    break
                try:
                    async with asyncio.timeout(read_timeout_s):
                        part = await reader.read(65536)
                except TimeoutError:
                    break
                if not part:
                    closed = True
                    break
                received += part
                parser.feed(part)
        except OSError:
            closed = True
        finally:
            writer.transport.abort()
        parser.end()
        replies = parser.complete
        elapsed_ms = (time.perf_counter() - start) * 1000
        record = self._record(url, sent, bytes(received[:_SHOWN]), elapsed_ms, replies[-1].status if replies else None)
        # Another port, and another protocol, may be those of another server.
        is_target = (port, secure) == (self._port, self._secure)
        self._tell(sent, sending, replies if is_target else (), record)
        self._note_create(sent, replies if is_target else (), record, sent_at)
        # Without TLS, an alert or another text that is not HTTP is a refusal.
        is_refused = secure != self._secure and bool(parser.problem)
        if not replies and received and not is_refused:
            problem = parser.problem or "the reply is longer or slower than allowed, or breaks off"
            raise BadReply(f"raw request: {problem}", record.model_copy(update={"error": problem}))
        if not replies and not closed and not is_refused:
            raise NoReply(f"no reply to the raw request within {_TIMEOUT_S:g} s", record)
        return RawExchange(tuple(replies), closed, record)

    def _tell(self, sent: bytes, sending: Sending, replies: Sequence[RawReply], record: Exchange) -> None:
        """Tell the observers of the replies to raw bytes, which may be no valid request."""
        head, _, content = sent.partition(b"\r\n\r\n")
        lines = [line.decode("latin-1").partition(":") for line in head.split(b"\r\n")[1:]]
        for reply in replies:
            self._context.traffic.end(
                sending,
                record,
                url=record.url,
                request_headers={name.strip().lower(): value.strip() for name, _, value in lines},
                content=content,
                status=reply.status,
                headers=reply.headers,
                body=reply.body,
                is_raw=True,
            )

    def _note_create(self, sent: bytes, replies: Sequence[RawReply], record: Exchange, sent_at: float) -> None:
        """Tell of the create in the bytes; a second reply belongs to something else that hides in them."""
        head, _, content = sent.partition(b"\r\n\r\n")
        if not head.startswith(f"{self._method} ".encode("latin-1")):
            return
        reply = replies[0] if replies else None
        self._on_create(RawCreate(content, self._sender_of(head), reply, record, sent_at, time.time()))

    def _sender_of(self, head: bytes) -> Principal:
        first, *lines = head.decode("latin-1").split("\r\n")
        parameters = first.rpartition(" ")[0].partition("?")[2].split("&")
        values = [*(line.partition(":")[2].strip() for line in lines), *parameters]
        return next((self._senders[value] for value in values if value in self._senders), ANONYMOUS)

    def _path(self) -> str:
        return self._context.path(self._context.target.path, new_id=str(uuid.uuid4()))

    def _tls_context(self) -> ssl.SSLContext:
        context = trusted_context(self._ca_file, self._client_certificate, is_verified=self._is_verified)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _url(self, port: int, *, secure: bool) -> str:
        authority = self.authority if port == self._port else f"{self._host()}:{port}"
        return f"{'https' if secure else 'http'}://{authority}{self._path()}"

    def _host(self) -> str:
        return f"[{self._name}]" if ":" in self._name else self._name

    def _record(self, url: str, sent: bytes, received: bytes, elapsed_ms: float, status: int | None = None) -> Exchange:
        return Exchange(
            method=sent.split(b" ", 1)[0].decode("latin-1")[:20],
            url=url,
            request_body=self._mask.text(sent[:_SHOWN].decode("latin-1")),
            status=status,
            response_body=self._mask.text(received[:_SHOWN].decode("latin-1")),
            elapsed_ms=round(elapsed_ms, 3),
            trace_id=_trace_id_in(sent),
        )


def _trace_id_in(sent: bytes) -> str:
    """Of the first request in the bytes."""
    found = _TRACEPARENT.search(sent.partition(b"\r\n\r\n")[0])
    return trace_context.trace_id_in(found[1].decode("latin-1")) if found else ""


class RawReplies:
    """The complete replies in the bytes of one connection, by the strict grammar of llhttp (RFC 9112).

    Interim ones (1xx) are left out. What is no valid reply ends the parsing; nothing is guessed, and each byte is
    looked at once.
    """

    def __init__(self) -> None:
        self.complete: list[RawReply] = []
        self.problem = ""
        """Why the bytes are no replies; from there on nothing is read."""
        self._parser = httptools.HttpResponseParser(self)
        # A second reply after "Connection: close" is what checks of request smuggling look for.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._interim = 0
        self._start()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the connection."""
        if self.problem:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.problem = "the reply switches the protocol (101)"
        except httptools.HttpParserError as error:
            cause = error.__context__
            self.problem = str(cause if isinstance(cause, _TooMuch) else error)

    @property
    def count(self) -> int:
        """The replies so far; one whose body ends with the connection (RFC 9112 §6.3) counts from its header on."""
        return len(self.complete) + self._is_unframed

    def end(self) -> None:
        """No more bytes come. A body that ends with the connection is what has come of it."""
        if self._is_unframed and not self.problem:
            self._keep()

    @property
    def _is_unframed(self) -> bool:
        return self._has_header and not self._is_framed

    def _start(self) -> None:
        self._headers: list[tuple[str, str]] = []
        self._header_bytes = 0
        self._body = bytearray()
        self._has_header = False
        self._is_framed = True

    def _keep(self) -> None:
        status = self._parser.get_status_code()
        self.complete.append(RawReply(status, tuple(self._headers), bytes(self._body)))
        self._start()

    def _add_header_bytes(self, count: int) -> None:
        self._header_bytes += count
        if self._header_bytes > MAX_HEADER_BYTES:
            raise _TooMuch(f"the header of the reply is longer than {MAX_HEADER_BYTES} bytes")

    # The callbacks of httptools, by its names.

    def on_message_begin(self) -> None:
        """A reply begins."""
        self._start()

    def on_status(self, reason: bytes) -> None:
        """A part of the reason phrase."""
        self._add_header_bytes(len(reason))

    def on_header(self, name: bytes, value: bytes | None) -> None:
        """One header line, or one trailer, which is not kept."""
        self._add_header_bytes(len(name) + len(value or b""))
        if not self._has_header:
            self._headers.append((name.decode("latin-1").lower(), (value or b"").decode("latin-1").strip()))

    def on_headers_complete(self) -> None:
        """The body begins."""
        self._has_header = True
        codings = ",".join(value for name, value in self._headers if name == "transfer-encoding")
        status = self._parser.get_status_code()
        bodiless = status < 200 or status in {204, 304}
        has_length = any(name == "content-length" for name, _ in self._headers)
        is_chunked = codings.lower().rpartition(",")[2].strip() == "chunked"
        self._is_framed = bodiless or has_length or is_chunked

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self._body += part

    def on_message_complete(self) -> None:
        """The reply is complete."""
        if self._parser.get_status_code() >= 200:
            self._keep()
            return
        self._interim += 1
        if self._interim > MAX_INTERIM_REPLIES:
            raise _TooMuch(f"more than {MAX_INTERIM_REPLIES} interim replies (1xx)")
        self._start()


class _TooMuch(Exception):  # noqa: N818 - read as a statement
    """A bound of a reply is exceeded."""
