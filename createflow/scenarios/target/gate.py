"""The gate: the tester sends only to origins that the profile or the command line names.

Every HTTP client, raw socket and TLS handshake of the tester asks the gate before a name is looked up or a connection
is made. What replies and documents say is data: an address in them is compared, and never followed to another origin.
"""

import select
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from createflow.scenarios.target.connection_pool import ConnectionPool
from createflow.schemas.error import UserError
from createflow.schemas.origin import Origin

_PORTS = {b"http": 80, b"https": 443}
_MAX_CONNECTIONS = 128
_MAX_IDLE_CONNECTIONS = 64
_MAX_IDLE_S = 1.0
"""Idle connections are closed before servers close them, so that no request meets a closing one: gunicorn does after
2 s, Node.js, Apache and uvicorn after 5 s."""


_OVERHEAD_BYTES = 256 * 1024
"""Header, interim replies, chunk sizes and trailers may have so many bytes besides twice the longest body."""


NO_HTTP_2 = "the server does not offer HTTP/2 (RFC 9113 §3.2)"
_MAX_HEAD_BYTES = 128 * 1024
"""The header with the interim replies before it; the last read may hold some of the body."""
MAX_INTERIM_REPLIES = 32


class OriginRefused(Exception):  # noqa: N818 - read as a statement
    """A request was not sent, because nothing of the profile names its origin."""


class ReceivedTooMuch(Exception):  # noqa: N818 - read as a statement
    """More bytes came than one reply may have on the wire."""


class Gate:
    """The origins to which requests may be sent."""

    def __init__(self, origins: Iterable[Origin]) -> None:
        self._origins = frozenset(origins)

    @classmethod
    def to(cls, url: str, *, key: str) -> "Gate":
        """A gate that is open to the origin of one URL of the profile.

        Args:
            url: as the profile has it.
            key: of the profile, for the message.

        Raises:
            UserError: the URL has no origin.
        """
        try:
            return cls([Origin.of(url)])
        except ValueError as error:
            raise UserError(f"{key}: {error}", hint="scheme, host and port: https://api.example.com:8443") from None

    def require(self, url: str) -> None:
        """Require that the URL has one of the origins.

        Raises:
            OriginRefused: it has another one, or none.
        """
        try:
            origin = Origin.of(url)
        except ValueError as error:
            raise OriginRefused(f"nothing was sent to an address that cannot be used: {error}") from None
        if origin not in self._origins:
            named = ", ".join(sorted(map(str, self._origins)))
            raise OriginRefused(f"nothing was sent to {origin}: the profile names only {named}")


@dataclass(slots=True)
class Meter:
    """Counts the bytes that a request receives, whatever they are: interim replies, header, chunk sizes, trailers."""

    max_bytes: int
    max_head_bytes: int = 0
    """Until the head is there: each interim reply costs time, so there may be only a few thousand."""
    received_bytes: int = 0
    resent: int = 0
    """How often the request went out once more."""
    is_reused: bool = False
    """The connection had served another request before."""
    has_head: bool = False
    status_lines: int = 0
    """Besides the first."""

    def add(self, data: bytes) -> None:
        """Count these bytes. Raises ReceivedTooMuch above a limit."""
        self.received_bytes += len(data)
        if self.received_bytes > self.max_bytes:
            raise ReceivedTooMuch(f"more than {self.max_bytes} bytes on the wire")
        if self.received_bytes > self.max_head_bytes and not self.has_head:
            raise ReceivedTooMuch(f"more than {self.max_head_bytes} bytes before the end of the header")
        if not self.has_head:
            self.status_lines += data.count(b"\nHTTP/1.")
            if self.status_lines > MAX_INTERIM_REPLIES:
                raise ReceivedTooMuch(f"more than {MAX_INTERIM_REPLIES} interim replies (1xx)")


_METER: ContextVar[Meter | None] = ContextVar("_METER", default=None)
"""The meter of the request that the current task sends."""

ENDED = (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError)
"""The connection ended."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Requests that change nothing, however often they are sent (RFC 9110 §9.2.1)."""
FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpx.HTTPError,
    httpx.StreamError,
)
"""What sending a request through a ``GatedTransport`` raises when no whole reply comes."""


@contextmanager
def limited(max_body_bytes: int) -> Iterator[Meter]:
    """Count what the current task receives inside the block, and allow what a reply with such a body needs."""
    meter = Meter(_OVERHEAD_BYTES + 2 * max_body_bytes, _MAX_HEAD_BYTES)
    previous = _METER.set(meter)
    try:
        yield meter
    finally:
        _METER.reset(previous)


class GatedTransport(httpx.AsyncBaseTransport):
    """Sends the requests of one client through the gate. It follows no redirect and uses no proxy.

    Failures are raised as ``httpcore`` raises them.
    """

    def __init__(self, gate: Gate, trust: ssl.SSLContext, *, is_http_2: bool = False) -> None:
        self._gate = gate
        network = _MeteredNetwork(is_http_2=is_http_2)

        def connect(origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
            return httpcore.AsyncHTTPConnection(
                origin,
                ssl_context=trust,
                keepalive_expiry=_MAX_IDLE_S,
                network_backend=network,
                http1=not is_http_2,
                http2=is_http_2,
            )

        self._pool = ConnectionPool(connect, max_connections=_MAX_CONNECTIONS, max_idle=_MAX_IDLE_CONNECTIONS)
        self._is_wary = False
        """The server closes idle connections without a word, so what changes something gets a new one each time."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            OriginRefused: before anything is looked up or connected.
        """
        self._gate.require(str(request.url))
        url = request.url
        core = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port or _PORTS[url.raw_scheme], target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        # What is held back at its last byte cannot be sent once more, and an idle connection may be closing.
        is_held = not isinstance(request.stream, httpx.ByteStream)
        is_new = is_held or (self._is_wary and request.method not in _SAFE)
        connection = await self._pool.take(core.url.origin, is_new=is_new)
        is_reused = connection.is_idle()
        if (meter := _METER.get()) is not None:
            meter.is_reused = is_reused
        try:
            reply = await connection.handle_async_request(core)
        except ENDED as error:
            await self._pool.put(connection)
            self._is_wary = self._is_wary or (is_reused and meter is not None and not meter.received_bytes)
            is_free = request.method in _SAFE or _was_not_written(request, error)
            if not is_reused or not is_free or meter is None or meter.received_bytes:
                raise
            meter.resent += 1
            connection, reply = await self._send_again(core)
        except BaseException:
            await self._pool.put(connection)
            raise
        if meter is not None:
            meter.has_head = True
        return _Reply(
            reply.status,
            headers=reply.headers,
            stream=_Body(reply.stream, lambda: self._pool.put(connection)),
            extensions=reply.extensions,
        )

    async def _send_again(self, core: httpcore.Request) -> tuple[httpcore.AsyncHTTPConnection, httpcore.Response]:
        """Once more, on a new connection: the server may have closed the idle one just then (RFC 9112 §9.3.1)."""
        connection = await self._pool.take(core.url.origin, is_new=True)
        try:
            return connection, await connection.handle_async_request(core)
        except BaseException:
            await self._pool.put(connection)
            raise

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


def _was_not_written(request: httpx.Request, error: BaseException) -> bool:
    """Whether the connection had ended before the whole request was written, which can be sent as it is once more.

    The header and the body are written one after the other. The second finds a pipe that is broken where the server had
    closed the connection before the first.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, BrokenPipeError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None and isinstance(request.stream, httpx.ByteStream)


class _Reply(httpx.Response):
    """Never a redirect: httpx would make the next request of it, and fail where its Location is none."""

    @property
    def has_redirect_location(self) -> bool:
        """Nothing is followed."""
        return False


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Any, on_close: Callable[[], Awaitable[None]]) -> None:
        self._stream = stream
        self._on_close = on_close
        # httpcore keeps it in a place of its own; a test sees whether it is there.
        self._connection: Any = getattr(stream, "_connection", None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part
        # The next request on the connection would take it for its reply.
        if _is_followed(self._connection):
            raise ReceivedTooMuch("bytes after the end of the reply, which no request asked for (RFC 9112 §9.2)")

    async def aclose(self) -> None:
        is_followed = _is_followed(self._connection)
        try:
            await self._stream.aclose()
            if is_followed:
                await self._connection.aclose()
        finally:
            await self._on_close()


def _is_followed(connection: Any) -> bool:
    """Whether more bytes than the reply have come."""
    state = getattr(connection, "_h11_state", None)
    return state is not None and bool(state.trailing_data[0])


class _MeteredNetwork(httpcore.AsyncNetworkBackend):
    """The ordinary network, where every byte that is received is counted."""

    def __init__(self, *, is_http_2: bool) -> None:
        self._network = httpcore.AnyIOBackend()
        self._is_http_2 = is_http_2

    async def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        return _MeteredStream(await self._network.connect_tcp(*arguments, **options), is_http_2=self._is_http_2)

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class _MeteredStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, *, is_http_2: bool = False) -> None:
        self._stream = stream
        self._is_http_2 = is_http_2
        self._socket: Any = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's protocol
        data = await self._stream.read(max_bytes, timeout=timeout)
        if (meter := _METER.get()) is not None:
            meter.add(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        await self._stream.write(buffer, timeout=timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        if not self._is_http_2:
            return _MeteredStream(await self._stream.start_tls(*arguments, **options))
        # httpcore offers HTTP/1.1 as well, and speaks HTTP/2 whatever the server chooses.
        context: ssl.SSLContext = options["ssl_context"] if "ssl_context" in options else arguments[0]
        context.set_alpn_protocols(["h2"])
        secure = await self._stream.start_tls(*arguments, **options)
        spoken = secure.get_extra_info("ssl_object")
        if spoken is None or spoken.selected_alpn_protocol() != "h2":
            await secure.aclose()
            raise httpcore.ConnectError(NO_HTTP_2)
        return _MeteredStream(secure)

    def get_extra_info(self, info: str) -> Any:
        if info != "is_readable":
            return self._stream.get_extra_info(info)
        # httpcore closes an idle connection on which something has come; some of it may be read already. Asked for each
        # request: the socket is kept, because anyio collects all that it knows of a stream each time.
        if self._socket is None:
            self._socket = self._stream.get_extra_info("socket")
        return _is_readable(self._socket) or _has_unread(self._stream)


def _is_readable(socket: Any) -> bool:
    """Whether something has come, or the other side has closed; also when it is closed here."""
    descriptor = -1 if socket is None else socket.fileno()
    if descriptor < 0:
        return True
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def _has_unread(stream: Any) -> bool:
    """Whether anyio has taken bytes from the socket that nobody has read."""
    inner = getattr(stream, "_stream", None)
    inner = getattr(inner, "transport_stream", inner)
    return bool(getattr(getattr(inner, "_protocol", None), "read_queue", ()))
