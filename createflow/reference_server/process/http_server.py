"""One HTTP server in a process: uvicorn on a prepared socket, drained on SIGTERM."""

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

KEEP_ALIVE_S = 75
"""Longer than the balancer keeps an idle connection: it must never reuse one that is being closed here."""
GRACE_S = 10


class Readiness:
    """Whether the process still wants work."""

    def __init__(self) -> None:
        self.draining = False


class _Protocol(HttpToolsProtocol):
    """uvicorn's parser, whose refusals look like all of ours."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Answer what is not HTTP, or of a method that the parser does not know, and hang up."""
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
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: readiness has to flip before the listener closes."""
        yield


def serve(
    app: ASGIApp,
    life: AbstractAsyncContextManager[object],
    *,
    host: str,
    port: int,
    path: str = "",
    readiness: Readiness,
    drain_s: float,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        app: what answers.
        life: entered before serving; left when the last request is done.
        host: address to bind.
        port: the parent may hold it bound, without listening.
        path: of a Unix socket to answer on as well, for this user only.
        readiness: flipped first.
        drain_s: how long to go on serving after that, so that a balancer sees it.
    """
    with contextlib.ExitStack() as scope:
        listeners = [scope.enter_context(_tcp_listener(host, port))]
        if path:
            listeners.append(scope.enter_context(_unix_listener(path)))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(app, life, listeners, readiness, drain_s))


def _tcp_listener(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def _unix_listener(path: str) -> socket.socket:
    place = Path(path)
    place.unlink(missing_ok=True)  # a killed process leaves its socket behind
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    place.chmod(0o600)  # nobody can connect before somebody listens
    return listener


async def _serve(
    app: ASGIApp,
    life: AbstractAsyncContextManager[object],
    listeners: list[socket.socket],
    readiness: Readiness,
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
        proxy_headers=False,  # stage 2 judges them
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        backlog=2048,
    )
    server = _Server(config)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)

    async def stop() -> None:
        await stopping.wait()
        readiness.draining = True
        await asyncio.sleep(drain_s)
        server.should_exit = True

    async with life:
        stopper = asyncio.create_task(stop())
        await server.serve(sockets=listeners)
        stopper.cancel()
