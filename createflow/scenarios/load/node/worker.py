"""A load worker: alone with Locust's local runner, or one of several with Locust's worker runner.

``python -m createflow.scenarios.load.node.worker`` is started by ``fleet``. The first command of its parent decides: it
is the configuration of a worker that runs the whole schedule alone, or the address of the master to join.
"""

from createflow.scenarios.load.node.parent_pipe import ParentPipe  # first: see there

# isort: split
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import gevent
from gevent.event import AsyncResult
from gevent.fileobject import FileObject
from locust.env import Environment
from locust.rpc import Message, zmqrpc
from zmq import EVENT_DISCONNECTED
from zmq.utils.monitor import recv_monitor_message

from createflow.scenarios.load.node.bounded_client import BoundedClient
from createflow.scenarios.load.node.bounded_server import MESSAGE
from createflow.scenarios.load.node.engine import Engine
from createflow.scenarios.load.node.sender import Sender
from createflow.scenarios.load.plan.config_rules import credentials_of, decode_config, node_config, start_time
from createflow.scenarios.load.plan.messages import Document, MessageRefused, NodeConfig, encode

_RECONNECT_S = 3.0
_SENDING_S = 0.1


def run_alone(parent: ParentPipe, config: NodeConfig) -> None:
    """Run the whole schedule, and exchange messages with the parent directly."""
    environment = Environment(user_classes=[Sender])
    engine = Engine(config, environment, parent.send)
    parent.on_end = partial(_tell_late, engine, parent.send, _send_to_guardian)
    environment.create_local_runner().start(config.senders, spawn_rate=config.senders)
    engine.prepare()
    start = float(parent.receive()["start"])
    commands = gevent.spawn(_handle_commands, parent, engine)
    engine.run(start)
    commands.kill()
    while True:  # until the parent has received everything
        parent.receive()


def _handle_commands(parent: ParentPipe, engine: Engine) -> None:
    while True:
        engine.handle(parent.receive())


def _tell_late(engine: Engine | None, *ways: Callable[[Document], None]) -> None:
    """Tell what was created lately to whoever is still there: the parent may be gone, and its guardian is not."""
    for document in engine.end_early() if engine is not None else ():
        for send in ways:
            with suppress(OSError):
                send(document)


def _send_to_guardian(document: Document) -> None:
    if len(sys.argv) > 1:
        with FileObject(os.dup(int(sys.argv[1])), "wb") as pipe:
            pipe.write(encode(document))


class JoinedWorker:
    """A worker that has joined a master, which sends its configuration and commands."""

    def __init__(self, parent: ParentPipe, host: str, port: int) -> None:
        self._parent = parent
        self._environment = Environment(user_classes=[Sender])
        zmqrpc.Client = BoundedClient  # type: ignore[misc] # the runner makes its socket of it
        self._runner = self._environment.create_worker_runner(host, port)
        self._configured: AsyncResult[NodeConfig] = AsyncResult()
        self._started: AsyncResult[float] = AsyncResult()
        self._engine: Engine | None = None
        self._credentials: tuple[tuple[str, ...], ...] = ()
        """Renewed ones."""
        self._is_done = False
        self._runner.register_message(MESSAGE, self._on_message)
        parent.on_end = self._end_with_parent
        gevent.spawn(self._end_with_master, self._runner.client.socket.get_monitor_socket(EVENT_DISCONNECTED))
        # Only after registering: a message that arrives earlier would be lost.
        self._send({"joined": {"host": socket.gethostname(), "pid": os.getpid()}})

    def run(self) -> None:
        """Do one run, and wait until the master has received everything."""
        engine = Engine(self._configured.get(), self._environment, self._send)
        self._engine = engine
        self._send({"configured": True})
        engine.prepare()
        engine.run(self._started.get())
        self._is_done = True
        self._runner.greenlet.join()

    def _end_with_parent(self) -> None:
        _tell_late(self._engine, self._send, self._parent.send, _send_to_guardian)
        gevent.sleep(_SENDING_S)

    def _tell_orphans(self) -> None:
        """The parent deletes what the master did not hear of."""
        config = self._configured.get() if self._configured.ready() else None
        if config is not None and config.clean_up is not None:
            who = {"run_id": config.run_id, "credentials": self._credentials or config.credentials}
            self._parent.send({"removes": {**config.clean_up, **who}})
        _tell_late(self._engine, self._parent.send)

    def _end_with_master(self, connection: Any) -> None:
        """End when the connection breaks and does not come back soon. Locust waits a minute for the master."""
        while True:
            recv_monitor_message(connection)
            broken_at = time.time()
            gevent.sleep(_RECONNECT_S)
            if self._is_done:  # the master has what it wanted
                self._parent.send({"done": True})
                os._exit(0)
            if (self._runner.last_heartbeat_timestamp or 0.0) <= broken_at:
                self._tell_orphans()
                sys.stderr.write("the load master is gone\n")
                sys.stderr.flush()
                os._exit(1)

    def _send(self, document: Document) -> None:
        # As text, so that the master passes it on without looking into it.
        self._runner.send_message(MESSAGE, {"text": encode(document).decode()})

    def _on_message(self, environment: Environment, msg: Message, **_: Any) -> None:
        del environment
        try:
            self._handle(decode_config(msg.data["text"]))
        except MessageRefused as refusal:
            sys.stderr.write(f"the load master sent {refusal}\n")
            sys.stderr.flush()
            os._exit(1)

    def _handle(self, command: Document) -> None:
        """Carry out a command of the master, which may be anybody's. Raises MessageRefused."""
        if "config" in command:
            if not self._configured.ready():
                self._configured.set(node_config(command["config"]))
        elif "ping" in command:
            self._send({"pong": command["ping"], "clock": time.time()})
        elif "start" in command:
            start_s = start_time(command["start"], time.time())
            if not self._started.ready():
                self._parent.send({"started": True})
                self._started.set(start_s)
        elif self._engine is not None:
            if "credentials" in command:
                self._credentials = credentials_of(command["credentials"])
            self._engine.handle(command)


def _join(parent: ParentPipe, host: str, port: int) -> None:
    gevent.spawn(_end_with_parent, parent)
    worker = JoinedWorker(parent, host, port)
    parent.send({"joined": True})
    worker.run()
    parent.send({"done": True})


def _end_with_parent(parent: ParentPipe) -> None:
    while True:
        parent.receive()


def main() -> None:
    """Receive the first command, and do one run."""
    parent = ParentPipe()
    command = parent.receive()
    if "master" in command:
        _join(parent, command["master"]["host"], int(command["master"]["port"]))
    else:
        (document,) = command["configs"]
        run_alone(parent, node_config(document))


if __name__ == "__main__":
    main()
