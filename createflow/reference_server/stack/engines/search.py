"""The bundled search engine: a small server with the OpenSearch API."""

import os
from pathlib import Path

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.endpoints import HOST


def url(port: int) -> str:
    """Return a client's address."""
    return f"http://{HOST}:{port}"


def declare(directory: Path, port: int, index: str) -> Component:
    """Declare the engine. It has no authentication: every user of this machine can connect.

    Args:
        index: of the resources; the engine is ready while it takes documents there.
    """
    program = str(binaries.require(binaries.SEARCH))
    return Component(
        name="search",
        port=port,
        argv=lambda: [
            program,
            "-addr",
            f"{HOST}:{port}",
            "-no-stdin-watch",
            "-no-ja",
            "-parent-pid",
            str(os.getpid()),
        ],
        cwd=directory,
        environment={"GOMAXPROCS": "1"},  # a bulk request must not use both cores of a small machine
        check_ready=lambda: engine_admin.search_stores(url(port), index),
        niceness=5,
        note="OpenSearch API, in memory",
    )
