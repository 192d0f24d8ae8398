"""The bundled search engine: a small server with the OpenSearch API."""

import os
from pathlib import Path

from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.endpoints import HOST, answers_200


def url(port: int) -> str:
    """Return a client's address."""
    return f"http://{HOST}:{port}"


def declare(directory: Path, port: int) -> Component:
    """Declare the engine. It has no authentication: every user of this machine can connect."""
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
        check_ready=lambda: answers_200(url(port)),
        niceness=5,
        note="OpenSearch API, in memory",
    )
