"""Raw bytes on single connections: requests that no HTTP client sends, and the replies as they were on the wire."""

import asyncio
import ssl
import time
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

import createflow
from createflow.scenarios.target.callback_listener import is_loopback
from createflow.scenarios.target.http_client import NoConnection, NoReply
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import RawExchange, RawReply
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.target.tls import trusted_context
from createflow.schemas.report import Exchange

_TIMEOUT_S = 5.0
_QUIET_S = 1.0
"""Silence after the first reply that means that no further one comes."""
_MAX_REPLY_BYTES = 1024 * 1024
_SHOWN = 4096


class RawSocket:
    """Fills the role RawHttp."""

    def __init__(self, context: RunContext) -> None:
        target = context.target
        self._context = context
        self._method = target.method
        self._media_type = target.media_type
        self._accept = target.accept
        parts = urlsplit(target.base_url)
        self._secure = parts.scheme == "https"
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._ca_file = target.ca_file
        self._headers = dict(target.headers)
        self._run_id = context.run_id
        self._mask = context.mask
        self.authority = parts.netloc
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
        """A create as bytes: see the protocol ``RawHttp``."""
        framing = [f"Content-Length: {len(body)}"] if lines is None else list(lines)
        hosts = [self.authority] if host is None else list(host)
        head = [
            f"{method or self._method} {self._path()} HTTP/1.1",
            *(f"Host: {value}" for value in hosts),
            f"User-Agent: createflow/{createflow.__version__} (run {self._run_id})",
            f"Accept: {self._accept}",
            *(f"{name}: {value}" for name, value in (self._headers if with_profile_headers else {}).items()),
        ]
        if not any(line.lower().startswith("content-type:") for line in framing):
            head.append(f"Content-Type: {self._media_type}")
        if who.token is not None:
            self._mask.add(who.token, shown="$TOKEN")
            head.append(f"{who.header}: {who.credential(who.token)}")
        own = self._context.target.idempotency_header
        framing = [line.replace("Idempotency-Key:", f"{own}:", 1) for line in framing]
        return "\r\n".join([*head, *framing, "", ""]).encode("latin-1") + body

    async def send(self, request: bytes, *, expected_replies: int = 1, then_abort: bool = False) -> RawExchange:
        """Send the bytes on a new connection and read until that many replies came, or the end.

        Raises:
            NoReply: no connection, or no reply within the time.
        """
        return await self._exchange(
            request, self._port, secure=self._secure, expected_replies=expected_replies, then_abort=then_abort
        )

    async def send_plaintext(self, request: bytes, *, port: int | None = None) -> RawExchange:
        """The same without TLS, to the target's own port or to another one of its host."""
        return await self._exchange(request, port or self._port, secure=False, expected_replies=1, then_abort=False)

    async def _exchange(
        self, sent: bytes, port: int, *, secure: bool, expected_replies: int, then_abort: bool
    ) -> RawExchange:
        start = time.perf_counter()
        received, closed = b"", False
        url = self._url(port, secure=secure)
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
                return RawExchange((), is_closed=False, exchange=self._record(url, sent, b"", 0.0))
            deadline = start + _TIMEOUT_S
            while len(_replies(received)) < expected_replies and len(received) < _MAX_REPLY_BYTES:
                read_timeout_s = min(deadline - time.perf_counter(), _QUIET_S if _replies(received) else _TIMEOUT_S)
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
        except OSError:
            closed = True
        finally:
            writer.transport.abort()
        replies = _replies(received)
        elapsed_ms = (time.perf_counter() - start) * 1000
        record = self._record(url, sent, received, elapsed_ms, replies[-1].status if replies else None)
        if not replies and not closed:
            raise NoReply(f"no reply to the raw request within {_TIMEOUT_S:g} s", record)
        return RawExchange(tuple(replies), closed, record)

    def _path(self) -> str:
        return self._context.path(self._context.target.path, new_id=str(uuid.uuid4()))

    def _tls_context(self) -> ssl.SSLContext:
        context = trusted_context(self._ca_file)
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
        )


def _replies(received: bytes) -> list[RawReply]:
    """The complete replies at the beginning of the received bytes, without interim ones (1xx)."""
    found: list[RawReply] = []
    rest = received
    while True:
        head, separator, after = rest.partition(b"\r\n\r\n")
        if not separator:
            return found
        first, *lines = head.decode("latin-1").split("\r\n")
        status_line = first.split(" ", 2)
        if len(status_line) < 2 or not status_line[0].startswith("HTTP/") or not status_line[1].isdigit():
            return found
        pairs = (line.partition(":") for line in lines)
        headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
        status = int(status_line[1])
        body, after_body = _body(status, dict(headers), after)
        if body is None:
            return found
        if status >= 200:
            found.append(RawReply(status, headers, body))
        rest = after_body


def _body(status: int, headers: dict[str, str], after: bytes) -> tuple[bytes | None, bytes]:
    """The body and what follows it; ``None`` while it is incomplete."""
    if status < 200 or status in {204, 304}:
        return b"", after
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunks(after)
    length = headers.get("content-length", "")
    if not length.isdigit():
        # The body ends with the connection (RFC 9112 §6.3): take what has arrived.
        return after, b""
    size = int(length)
    return (after[:size], after[size:]) if len(after) >= size else (None, b"")


def _chunks(after: bytes) -> tuple[bytes | None, bytes]:
    body = b""
    while True:
        line, separator, rest = after.partition(b"\r\n")
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            return None, b""
        if not separator or len(rest) < size + 2:
            return None, b""
        body, after = body + rest[:size], rest[size + 2 :]
        if size == 0:
            return body, after
