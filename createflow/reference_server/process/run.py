"""One process of the reference, and its run from the settings file to SIGTERM."""

import gc
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from createflow.reference_server.process.http_server import Readiness, serve
from createflow.reference_server.process.log import Log, make_log, route_library_logs
from createflow.reference_server.process.settings import Settings


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the reference: ``app`` answers while ``life`` is entered."""

    app: ASGIApp
    life: AbstractAsyncContextManager[None]
    readiness: Readiness


def run(file: Path, build: Callable[[Settings, Log], Process], *, drain_s: float = 0.0) -> None:
    """Run one process of the reference until SIGTERM.

    Args:
        file: its settings.
        build: makes it of them.
        drain_s: how long it goes on answering once it has been told to end.
    """
    settings = Settings.load(file)
    log = make_log(settings.instance)
    route_library_logs(log)
    process = build(settings, log)
    _keep_collector_off_the_path()
    log.info("started", host=settings.host, port=settings.port)
    serve(
        process.app,
        process.life,
        host=settings.host,
        port=settings.port,
        path=settings.http_socket,
        readiness=process.readiness,
        drain_s=drain_s,
    )
    log.info("stopped")


def _keep_collector_off_the_path() -> None:
    """What is loaded by now stays: the garbage collector need not look at it again and again.

    A full collection over modules and schemas stops every request in flight for tens of milliseconds; jobs themselves
    are freed by their reference counts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
