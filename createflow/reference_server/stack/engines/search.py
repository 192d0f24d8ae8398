"""The search engine: a small server that speaks the OpenSearch API, unless another one is named."""

import os
from pathlib import Path

from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.http_probe import answers_200
from createflow.reference_server.stack.ports import HOST


def url(port: int) -> str:
    """A client's address."""
    return f"http://{HOST}:{port}"


def component(directory: Path, port: int) -> Component:
    """The bundled engine; it has no accounts, so it is open to the users of this machine."""
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
        environment={"GOMAXPROCS": "1"},  # a bulk request must not take both cores of a small machine at once
        ready=lambda: answers_200(url(port)),
        niceness=5,
        note="OpenSearch API, in memory",
    )
