"""The HTTP server of a process: uvicorn on prepared sockets, drained on SIGTERM."""

import asyncio
import contextlib
import json
import signal
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

KEEP_ALIVE_S = 75
"""Longer than HAProxy keeps an idle connection, so that it never reuses one that is being closed here."""
GRACE_S = 10
_HANDSHAKE_S = 5


class DrainState:
    """Whether the process is about to end and should get no new requests, and whether something in it has failed."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        """Names of background tasks that have ended."""
        self._begun = asyncio.Event()

    @property
    def is_draining(self) -> bool:
        """Whether it is about to end."""
        return self._begun.is_set()

    def begin(self) -> None:
        """End the process soon."""
        self._begun.set()

    def fail(self, name: str) -> None:
        """End the process, because this has failed."""
        self.failed.append(name)
        self._begun.set()

    async def wait(self) -> None:
        """Return when the process is to end."""
        await self._begun.wait()


CLIENT_IS_GONE = "createflow.client_is_gone"
"""The extension of the ASGI scope that tells, without waiting, whether the connection is closed."""


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with a problem document for what it cannot parse, and ``CLIENT_IS_GONE``."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {CLIENT_IS_GONE: self.transport.is_closing}  # type: ignore[dict-item]  # a function

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Answer what is not HTTP, or has a method that the parser does not know, and close the connection."""
        lines = [
            b"HTTP/1.1 400 Bad Request",
            *(name + b": " + value for name, value in self.server_state.default_headers),
            b"content-type: application/problem+json",
            b"content-length: %d" % len(_NOT_HTTP),
            b"cache-control: no-store",
            b"x-content-type-options: nosniff",
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join([*lines, b"", _NOT_HTTP]))
        self.transport.close()


_NOT_HTTP = json.dumps(
    {
        "type": "urn:createflow:problem:bad_request",
        "title": "Bad Request",
        "status": 400,
        "detail": "The request is not HTTP, or of an unknown method.",
        "code": "bad_request",
        "errors": [],
    }
).encode("ascii")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, over_tls: tuple[socket.socket, ssl.SSLContext] | None) -> None:
        super().__init__(config)
        self._over_tls = over_tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; uvicorn has either TLS on all sockets or on none."""
        await super().startup(sockets)
        if self._over_tls is not None:
            listener, trust = self._over_tls
            loop = asyncio.get_running_loop()
            self.servers.append(
                await loop.create_server(
                    lambda: _Protocol(self.config, self.server_state, self.lifespan.state),
                    sock=listener,
                    ssl=trust,
                    ssl_handshake_timeout=_HANDSHAKE_S,
                    backlog=self.config.backlog,
                )
            )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to ``_serve``: /readyz has to answer 503 before the listener closes."""
        yield


def serve(
    app: ASGIApp,
    lifespan: AbstractAsyncContextManager[object],
    *,
    listeners: Sequence[socket.socket],
    over_tls: tuple[socket.socket, ssl.SSLContext] | None = None,
    drain: DrainState,
    drain_s: float,
) -> None:
    """Serve until SIGTERM, SIGINT or the failure of a background task.

    Args:
        app: answers the requests.
        lifespan: entered before serving; left when the last request is done.
        listeners: bound sockets.
        over_tls: one more, for connections that begin with TLS.
        drain: begun by the signals; whoever else begins it ends the server as well.
        drain_s: how long to go on serving after that, so that the load balancer notices.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(app, lifespan, listeners=listeners, over_tls=over_tls, drain=drain, drain_s=drain_s))


def tcp_listener(host: str, port: int) -> socket.socket:
    """Bind an address; the parent may have bound it, without listening. Port 0: any."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def unix_listener(path: str) -> socket.socket:
    """Make a Unix socket, for this user only."""
    file = Path(path)
    file.unlink(missing_ok=True)  # a killed process leaves its socket behind
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    file.chmod(0o600)  # in time: nobody can connect before the socket listens
    return listener


async def _serve(
    app: ASGIApp,
    lifespan: AbstractAsyncContextManager[object],
    *,
    listeners: Sequence[socket.socket],
    over_tls: tuple[socket.socket, ssl.SSLContext] | None,
    drain: DrainState,
    drain_s: float,
) -> None:
    config = uvicorn.Config(
        app,
        loop="none",
        http=_Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,  # step 2 reads them
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        backlog=2048,
    )
    server = _Server(config, over_tls)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, drain.begin)

    async def stop() -> None:
        await drain.wait()
        await asyncio.sleep(drain_s)
        server.should_exit = True

    async with lifespan:
        stopper = asyncio.create_task(stop())
        await server.serve(sockets=list(listeners))
        stopper.cancel()
