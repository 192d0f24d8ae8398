"""Raw bytes on single connections: what no HTTP client would send, and the replies as they stood on the wire."""

import asyncio
import ssl
import time
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

import createflow
from createflow.scenarios.target.callback_listener import is_loopback
from createflow.scenarios.target.http_client import HttpConnection, NoConnection, NoReply
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.raw_probes import Conversation, RawReply
from createflow.scenarios.target.templates import filled_path
from createflow.scenarios.target.tls_context import trust
from createflow.schemas.report import Exchange

_LONGEST_S = 5.0
_QUIET_S = 1.0
"""After the first reply, this much silence means that no further one comes."""
_LONGEST_REPLY_BYTES = 1024 * 1024
_SHOWN = 4096


class RawSocket:
    """Fills the role RawHttp."""

    def __init__(self, connection: HttpConnection) -> None:
        target = connection.profile.target
        self._connection = connection
        self._method = target.method
        self._media_type = target.media_type
        self._accept = target.accept
        parts = urlsplit(target.base_url)
        self._secure = parts.scheme == "https"
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._ca_file = target.ca_file
        self._headers = dict(target.headers)
        self._run_id = connection.run_id
        self._mask = connection.mask
        self.authority = parts.netloc
        self.here = is_loopback(target.base_url)

    def request(
        self,
        body: bytes,
        *,
        who: Principal,
        method: str | None = None,
        lines: Sequence[str] | None = None,
        host: Sequence[str] | None = None,
        bare: bool = False,
    ) -> bytes:
        """A create as bytes."""
        framing = [f"Content-Length: {len(body)}"] if lines is None else list(lines)
        hosts = [self.authority] if host is None else list(host)
        head = [
            f"{method or self._method} {self._path()} HTTP/1.1",
            *(f"Host: {value}" for value in hosts),
            f"User-Agent: createflow/{createflow.__version__} (run {self._run_id})",
            f"Accept: {self._accept}",
            *(f"{name}: {value}" for name, value in ({} if bare else self._headers).items()),
        ]
        if not any(line.lower().startswith("content-type:") for line in framing):
            head.append(f"Content-Type: {self._media_type}")
        if who.token is not None:
            self._mask.add(who.token, shown="$TOKEN")
            head.append(f"{who.header}: {who.credential(who.token)}")
        own = self._connection.profile.target.idempotency_header
        framing = [line.replace("Idempotency-Key:", f"{own}:", 1) for line in framing]
        return "\r\n".join([*head, *framing, "", ""]).encode("latin-1") + body

    async def converse(self, sent: bytes, *, wanted: int = 1, then_abort: bool = False) -> Conversation:
        """Send the bytes on a fresh connection and read until so many replies came, or the end."""
        return await self._converse(sent, self._port, secure=self._secure, wanted=wanted, then_abort=then_abort)

    async def converse_in_the_clear(self, sent: bytes, *, port: int | None = None) -> Conversation:
        """The same without TLS, to the target's own port or to another one of its host."""
        return await self._converse(sent, port or self._port, secure=False, wanted=1, then_abort=False)

    async def _converse(self, sent: bytes, port: int, *, secure: bool, wanted: int, then_abort: bool) -> Conversation:
        start = time.perf_counter()
        received, closed = b"", False
        url = self._url(port, secure=secure)
        try:
            async with asyncio.timeout(_LONGEST_S):
                reader, writer = await asyncio.open_connection(
                    self._name,
                    port,
                    ssl=self._trust() if secure else None,
                    server_hostname=self._name if secure else None,
                )
        except (OSError, TimeoutError) as error:
            raise NoConnection(f"no raw connection: {error}", self._record(url, sent, b"", 0.0)) from None
        try:
            writer.write(sent)
            if then_abort:
                await writer.drain()
                return Conversation((), closed=False, exchange=self._record(url, sent, b"", 0.0))
            deadline = start + _LONGEST_S
            while len(_replies(received)) < wanted and len(received) < _LONGEST_REPLY_BYTES:
                patience_s = min(deadline - time.perf_counter(), _QUIET_S if _replies(received) else _LONGEST_S)
                if patience_s <= 0:
                    break
                try:
                    async with asyncio.timeout(patience_s):
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
        took_ms = (time.perf_counter() - start) * 1000
        record = self._record(url, sent, received, took_ms, replies[-1].status if replies else None)
        if not replies and not closed:
            raise NoReply(f"no reply to raw bytes within {_LONGEST_S:g} s", record)
        return Conversation(tuple(replies), closed, record)

    def _path(self) -> str:
        variables = {**self._connection.variables, "new_id": str(uuid.uuid4())}
        return filled_path(self._connection.profile.target.path, variables)

    def _trust(self) -> ssl.SSLContext:
        context = trust(self._ca_file)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _url(self, port: int, *, secure: bool) -> str:
        authority = self.authority if port == self._port else f"{self._host()}:{port}"
        return f"{'https' if secure else 'http'}://{authority}{self._path()}"

    def _host(self) -> str:
        return f"[{self._name}]" if ":" in self._name else self._name

    def _record(self, url: str, sent: bytes, received: bytes, took_ms: float, status: int | None = None) -> Exchange:
        return Exchange(
            method=sent.split(b" ", 1)[0].decode("latin-1")[:20],
            url=url,
            request_body=self._mask.text(sent[:_SHOWN].decode("latin-1")),
            status=status,
            response_body=self._mask.text(received[:_SHOWN].decode("latin-1")),
            elapsed_ms=round(took_ms, 3),
        )


def _replies(received: bytes) -> list[RawReply]:
    """The complete replies at the beginning of what was received; interim ones are passed over."""
    found: list[RawReply] = []
    rest = received
    while True:
        head, separator, after = rest.partition(b"\r\n\r\n")
        if not separator:
            return found
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
            return found
        pairs = (line.partition(":") for line in lines)
        headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
        status = int(words[1])
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
        # Until the end of the connection: all there is for now.
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
