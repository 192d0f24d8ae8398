"""The master of several load workers, with Locust's master runner. It passes messages on and sends no load itself.

``python -m createflow.scenarios.load.node.master`` is started by ``fleet``.
"""

from createflow.scenarios.load.node.parent_pipe import ParentPipe  # first: see there

# isort: split
import math
import time
from typing import Any, ClassVar

import gevent
from flask import Response
from locust import User
from locust.dispatch import UsersDispatcher
from locust.env import Environment
from locust.rpc import Message, zmqrpc
from locust.runners import STATE_MISSING, MasterRunner, WorkerNode

from createflow.scenarios.load.node.bounded_server import MESSAGE, BoundedServer
from createflow.scenarios.load.node.sender import Sender
from createflow.scenarios.load.plan.messages import Document, decode, encode

_PINGS = 5
_POLL_S = 0.25
_MAX_PARSED_CHARACTERS = 2_048
"""Messages for the master itself are shorter."""
_MAX_NAME_CHARACTERS = 255
_MAX_ROUND_TRIP_S = 60.0
_MAX_REJECTED = 100
"""Workers that were sent away and are reported."""
_CONTROL_PATHS = frozenset({"/swarm", "/stop", "/stats/reset"})


class FixedSenders(UsersDispatcher):
    """Gives each worker the same number of senders once. Locust would move them when a worker comes or goes.

    A sender that is removed during a request leaves a write with an unknown outcome, and one that is added to another
    worker has nothing to send, because the schedule is already divided.
    """

    per_worker: ClassVar[int] = 0

    def __init__(self, worker_nodes: list[WorkerNode], user_classes: list[type[User]]) -> None:
        super().__init__(worker_nodes, user_classes)
        self._workers = [worker.id for worker in worker_nodes]
        self._name = user_classes[0].__name__
        self._dispatched = False

    @property
    def dispatch_in_progress(self) -> bool:
        """Never: one step dispatches all senders."""
        return False

    def new_dispatch(self, *_: Any, **__: Any) -> None:
        """Start again. Locust's user counts are ignored."""
        self._dispatched = False

    def add_worker(self, worker_node: WorkerNode) -> None:
        """Give nothing to a worker that comes late."""

    def remove_worker(self, worker_node: WorkerNode) -> None:
        """Give the senders of a lost worker to no other."""

    def __next__(self) -> dict[str, dict[str, int]]:
        if self._dispatched:
            raise StopIteration
        self._dispatched = True
        return {worker: {self._name: self.per_worker} for worker in self._workers}


class WebPage:
    """Locust's web page on loopback, read-only: it shows the run, but cannot start or stop it."""

    def __init__(self, environment: Environment, port: int) -> None:
        page = environment.create_web_ui("127.0.0.1", port)
        if page.app is not None:
            page.app.before_request(_refuse_control)
        self.url = f"http://127.0.0.1:{port}"


def _refuse_control() -> Response | None:
    from flask import request

    if request.path in _CONTROL_PATHS:
        return Response("createflow runs this test: start and stop it there", status=403, mimetype="text/plain")
    return None


class Master:
    """Numbers the workers in the order in which they join, and sends away those that come too late."""

    def __init__(self, parent: ParentPipe, host: str, port: int, expected: int) -> None:
        self._parent = parent
        self._expected = expected
        self._environment = Environment(user_classes=[Sender], dispatcher_class=FixedSenders)
        zmqrpc.Server = BoundedServer  # type: ignore[misc] # the runner makes its socket of it
        self._runner: MasterRunner = self._environment.create_master_runner(host, port)
        self._indexes: dict[str, int] = {}
        self._clock_ahead_s: dict[str, tuple[float, float]] = {}
        """By worker: the shortest round trip, and how far its clock was ahead in that one."""
        self._missing: set[int] = set()
        self._configured: set[str] = set()
        self._rejected = 0
        self._runner.register_message(MESSAGE, self._on_message)
        parent.send({"listening": self._runner.server.port})

    def run(self) -> None:
        """Carry out the parent's commands until it ends the run."""
        gevent.spawn(self._watch_heartbeats)
        while True:
            command = self._parent.receive()
            if "configs" in command:
                self._configure(command["configs"])
            elif "web" in command:
                self._parent.send({"web": WebPage(self._environment, command["web"]).url})
            elif "start" in command:
                self._start(float(command["start"]))
            elif "end" in command:
                self._runner.quit()
                return
            else:
                self._send_all(command)

    def _configure(self, configs: list[Document]) -> None:
        for client, index in self._indexes.items():
            self._send(client, {"config": configs[index]})
        while len(self._configured) < len(configs):
            gevent.sleep(_POLL_S / 10)
        FixedSenders.per_worker = configs[0]["senders"]
        self._runner.start(configs[0]["senders"] * len(configs), spawn_rate=100)

    def _start(self, epoch_s: float) -> None:
        for client in self._indexes:
            _, ahead_s = self._clock_ahead_s.get(client, (0.0, 0.0))
            self._send(client, {"start": epoch_s + ahead_s})

    def _send(self, client: str, command: Document) -> None:
        # As text, which the worker can look into before it makes objects of it.
        self._runner.send_message(MESSAGE, {"text": encode(command).decode()}, client)

    def _send_all(self, command: Document) -> None:
        for client in self._indexes:
            self._send(client, command)

    def _on_message(self, environment: Environment, msg: Message, **_: Any) -> None:
        del environment
        client, text = msg.node_id, msg.data["text"]
        index = self._indexes.get(client)
        try:
            # What is longer is for the parent, which looks into it.
            message = decode(text.encode()) if len(text) <= _MAX_PARSED_CHARACTERS else {}
            if index is None:
                self._join(client, message)
            elif "pong" in message:
                self._compare_clocks(client, float(message["pong"]), float(message["clock"]))
            elif "configured" in message:
                self._configured.add(client)
            elif "joined" not in message:
                self._parent.send({"from": index, "text": text})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # Whoever joined may be anybody, and the others' part of the run goes on.
            if index is not None:
                self._parent.send({"from": index, "refused": f"{type(error).__name__}: {error}"[:200]})

    def _join(self, client: str, message: Document) -> None:
        """Take in a worker, if its first message says who it is; other messages of strangers are dropped."""
        worker = message["joined"]
        host, pid = str(worker["host"])[:_MAX_NAME_CHARACTERS], int(worker["pid"])
        if len(self._indexes) >= self._expected:
            self._runner.send_message("quit", None, client)
            if self._rejected < _MAX_REJECTED:
                self._rejected += 1
                self._parent.send({"rejected": host})
            return
        index = self._indexes[client] = len(self._indexes)
        self._parent.send({"joined": {"index": index, "host": host, "pid": pid}})
        for _ in range(_PINGS):
            self._send(client, {"ping": time.time()})

    def _compare_clocks(self, client: str, sent_s: float, clock_s: float) -> None:
        now_s = time.time()
        round_trip_s = now_s - sent_s
        if not 0 <= round_trip_s <= _MAX_ROUND_TRIP_S or not math.isfinite(clock_s):
            raise ValueError("a clock that cannot be compared")
        measured = (round_trip_s, clock_s - (sent_s + now_s) / 2)
        self._clock_ahead_s[client] = min(measured, self._clock_ahead_s.get(client, measured))

    def _watch_heartbeats(self) -> None:
        """Report which workers send no heartbeat, whenever that changes."""
        while True:
            gevent.sleep(_POLL_S)
            present = {client for client, node in self._runner.clients.items() if node.state != STATE_MISSING}
            missing = {index for client, index in self._indexes.items() if client not in present}
            if missing != self._missing:
                self._missing = missing
                self._parent.send({"missing": sorted(missing)})


def main() -> None:
    """Receive the address to listen on, and start."""
    parent = ParentPipe()
    listen = parent.receive()["listen"]
    Master(parent, listen["host"], int(listen["port"]), int(listen["expected"])).run()


if __name__ == "__main__":
    main()
