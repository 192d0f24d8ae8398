"""The life of a process: from its settings file to SIGTERM, with work in the background."""

import asyncio
import contextlib
import gc
import socket
import ssl
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from starlette.types import ASGIApp

from createflow.reference_server.domain.ports import UnavailableError
from createflow.reference_server.process.health import ReadinessChecks
from createflow.reference_server.process.http_server import DrainState, serve, tcp_listener, unix_listener
from createflow.reference_server.process.log import Log, make_log, route_library_logs
from createflow.reference_server.process.settings import Settings

RETRY_S = 0.05
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the reference: ``app`` answers while ``lifespan`` is entered."""

    app: ASGIApp
    lifespan: AbstractAsyncContextManager[None]
    drain: DrainState
    checks: ReadinessChecks = field(default_factory=lambda: ReadinessChecks({}))
    """What /readyz asks."""


def run(settings_file: Path, build: Callable[[Settings, Log], Process], *, drain_s: float = 0.0) -> None:
    """Run one process of the reference until SIGTERM.

    Args:
        settings_file: see ``Settings``.
        build: builds the process from its settings.
        drain_s: how long it goes on answering after SIGTERM.

    Raises:
        UserError: the settings name an unknown seeded defect.
        SystemExit: with status 1, because a background task has failed.
    """
    settings = Settings.load(settings_file)
    with contextlib.ExitStack() as scope:
        listeners = [scope.enter_context(tcp_listener(settings.host, settings.port))]
        if settings.http_socket:
            listeners.append(scope.enter_context(unix_listener(settings.http_socket)))
        run_process(settings, build, listeners=listeners, drain_s=drain_s)


def run_process(
    settings: Settings,
    build: Callable[[Settings, Log], Process],
    *,
    listeners: Sequence[socket.socket],
    over_tls: tuple[socket.socket, ssl.SSLContext] | None = None,
    drain_s: float = 0.0,
) -> None:
    """Run one process of the reference until SIGTERM.

    Args:
        settings: of the process.
        build: builds it.
        listeners: bound sockets for HTTP.
        over_tls: a socket for HTTP over TLS.
        drain_s: how long it goes on answering after SIGTERM.

    Raises:
        UserError: the settings name an unknown seeded defect.
        SystemExit: with status 1, because a background task has failed.
    """
    log = make_log(settings.instance)
    route_library_logs(log)
    process = build(settings, log)
    _freeze_garbage_collector()
    log.info("started", host=settings.host, port=settings.port)
    serve(
        process.app,
        process.lifespan,
        listeners=listeners,
        over_tls=over_tls,
        drain=process.drain,
        drain_s=drain_s,
    )
    log.info("stopped", failed=process.drain.failed)
    if process.drain.failed:
        raise SystemExit(1)


async def retry_until_available(attempt: Callable[[], Coroutine[None, None, T]]) -> T:
    """Repeat an attempt until it raises no ``UnavailableError``."""
    while True:
        try:
            return await attempt()
        except UnavailableError:
            await asyncio.sleep(RETRY_S)


def _freeze_garbage_collector() -> None:
    """Exclude everything that is loaded by now from garbage collection, and collect less often.

    A full collection over modules and schemas stops every request for tens of milliseconds. Jobs are freed by their
    reference counts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
