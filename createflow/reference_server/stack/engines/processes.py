"""Our own three kinds of process: gateway, service, worker."""

import sys
from pathlib import Path

from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.http_probe import answers_200


def component(kind: str, directory: Path, settings: Settings, *, needs: tuple[str, ...]) -> Component:
    """One process of ``kind``, with its settings in its directory."""
    settings_file = directory / "settings.json"
    settings.save(settings_file)
    return Component(
        name=settings.instance,
        port=settings.port,
        argv=lambda: [sys.executable, "-m", "createflow.reference_server", kind, str(settings_file)],
        cwd=directory,
        ready=lambda: answers_200(f"http://{settings.host}:{settings.port}/readyz"),
        needs=needs,
        waits_itself=True,
        grace_s=10.0,
        niceness=5 if kind == "worker" else 0,
    )
