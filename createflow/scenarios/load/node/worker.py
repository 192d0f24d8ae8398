"""A load node among several, on this machine or another, with Locust's worker runner.

``python -m createflow.scenarios.load.node.worker``: told by its parent where the master is, and by the master what
to do.
"""

from createflow.scenarios.load.node.node_process import Parent  # first: see there

# isort: split
import os
import socket
import time
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust.env import Environment
from locust.rpc import Message

from createflow.scenarios.load.node.engine import Engine
from createflow.scenarios.load.node.sender import Sender
from createflow.scenarios.load.plan.message import Document, NodeConfig

MESSAGE = "createflow"
"""The type of every message of ours that Locust carries."""


class Worker:
    """Obeys a master."""

    def __init__(self, parent: Parent, host: str, port: int) -> None:
        self._parent = parent
        self._environment = Environment(user_classes=[Sender])
        self._runner = self._environment.create_worker_runner(host, port)
        self._configured: AsyncResult[NodeConfig] = AsyncResult()
        self._started: AsyncResult[float] = AsyncResult()
        self._engine: Engine | None = None
        self._runner.register_message(MESSAGE, self._on_message)
        # Only now: what is sent to one that does not listen yet is lost.
        self._say({"joined": {"host": socket.gethostname(), "pid": os.getpid()}})

    def run(self) -> None:
        """One run, until the master says that it has everything."""
        engine = Engine(
            self._configured.get(), self._environment, lambda state: self._say({"state": state.to_document()})
        )
        self._engine = engine
        self._say({"configured": True})
        engine.prepare()
        engine.run(self._started.get())
        self._runner.greenlet.join()

    def _say(self, document: Document) -> None:
        self._runner.send_message(MESSAGE, document)

    def _on_message(self, environment: Environment, msg: Message, **_: Any) -> None:
        del environment
        command: Document = msg.data
        if "config" in command:
            self._configured.set(NodeConfig.from_document(command["config"]))
        elif "ping" in command:
            self._say({"pong": command["ping"], "clock": time.time()})
        elif "start" in command:
            self._parent.say({"started": True})
            self._started.set(float(command["start"]))
        elif self._engine is not None:
            self._engine.obey(command)


def main() -> None:
    """Hear where the master is, join it and work."""
    parent = Parent()
    master = parent.hear()["master"]
    gevent.spawn(_end_with, parent)
    worker = Worker(parent, master["host"], int(master["port"]))
    parent.say({"joined": True})
    worker.run()
    parent.say({"done": True})


def _end_with(parent: Parent) -> None:
    while True:
        parent.hear()


if __name__ == "__main__":
    main()
