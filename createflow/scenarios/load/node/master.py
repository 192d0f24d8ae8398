"""The head of several load nodes, with Locust's master runner: passes on what parent and workers say to each other.

``python -m createflow.scenarios.load.node.master``, started by ``fleet.py`` and useless by hand.
It sends no load itself.
"""

from createflow.scenarios.load.node.node_process import Parent  # first: see there

# isort: split
import time
from typing import Any

import gevent
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, MasterRunner

from createflow.scenarios.load.node.fixed_dispatcher import FixedSenders
from createflow.scenarios.load.node.locust_page import WebPage
from createflow.scenarios.load.node.sender import Sender
from createflow.scenarios.load.node.worker import MESSAGE
from createflow.scenarios.load.plan.message import Document

_PINGS = 5
_LOOK_S = 0.25


class Master:
    """Numbers the workers in the order in which they join; those who come too late are sent away."""

    def __init__(self, parent: Parent, host: str, port: int, expected: int) -> None:
        self._parent = parent
        self._expected = expected
        self._environment = Environment(user_classes=[Sender], dispatcher_class=FixedSenders)
        self._runner: MasterRunner = self._environment.create_master_runner(host, port)
        self._indexes: dict[str, int] = {}
        self._clock_ahead_s: dict[str, tuple[float, float]] = {}
        """By worker: the shortest round trip, and how far its clock was ahead then."""
        self._missing: set[int] = set()
        self._waiting_for_config = 0
        self._runner.register_message(MESSAGE, self._on_message)
        parent.say({"listening": self._runner.server.port})

    def run(self) -> None:
        """Obey the parent until it has everything."""
        gevent.spawn(self._watch)
        while True:
            command = self._parent.hear()
            if "configs" in command:
                self._configure(command["configs"])
            elif "web" in command:
                self._parent.say({"web": WebPage(self._environment, command["web"]).url})
            elif "start" in command:
                self._start(float(command["start"]))
            elif "end" in command:
                self._runner.quit()
                return
            else:
                self._tell(command)

    def _configure(self, configs: list[Document]) -> None:
        self._waiting_for_config = len(configs)
        for client, index in self._indexes.items():
            self._runner.send_message(MESSAGE, {"config": configs[index]}, client)
        while self._waiting_for_config > 0:
            gevent.sleep(_LOOK_S / 10)
        FixedSenders.per_worker = configs[0]["senders"]
        self._runner.start(configs[0]["senders"] * len(configs), spawn_rate=100)

    def _start(self, epoch_s: float) -> None:
        for client in self._indexes:
            _, ahead_s = self._clock_ahead_s.get(client, (0.0, 0.0))
            self._runner.send_message(MESSAGE, {"start": epoch_s + ahead_s}, client)

    def _tell(self, command: Document) -> None:
        for client in self._indexes:
            self._runner.send_message(MESSAGE, command, client)

    def _on_message(self, environment: Environment, msg: Message, **_: Any) -> None:
        del environment
        client, said = msg.node_id, msg.data
        if "joined" in said:
            self._join(client, said["joined"])
        elif client not in self._indexes:
            return
        elif "pong" in said:
            self._compare_clocks(client, float(said["pong"]), float(said["clock"]))
        elif "configured" in said:
            self._waiting_for_config -= 1
        elif "state" in said:
            self._parent.say({"state": said["state"]})

    def _join(self, client: str, who: Document) -> None:
        if len(self._indexes) >= self._expected:
            self._runner.send_message("quit", None, client)
            self._parent.say({"late": who["host"]})
            return
        index = self._indexes[client] = len(self._indexes)
        self._parent.say({"joined": {"index": index, **who}})
        for _ in range(_PINGS):
            self._runner.send_message(MESSAGE, {"ping": time.time()}, client)

    def _compare_clocks(self, client: str, sent_s: float, clock_s: float) -> None:
        now_s = time.time()
        trip_s = now_s - sent_s
        measured = (trip_s, clock_s - (sent_s + now_s) / 2)
        self._clock_ahead_s[client] = min(measured, self._clock_ahead_s.get(client, measured))

    def _watch(self) -> None:
        """Tell whose heartbeat stays away, and whose comes again."""
        while True:
            gevent.sleep(_LOOK_S)
            there = {client for client, node in self._runner.clients.items() if node.state != STATE_MISSING}
            missing = {index for client, index in self._indexes.items() if client not in there}
            if missing != self._missing:
                self._missing = missing
                self._parent.say({"missing": sorted(missing)})


def main() -> None:
    """Hear where to listen, and begin."""
    parent = Parent()
    listen = parent.hear()["listen"]
    Master(parent, listen["host"], int(listen["port"]), int(listen["expected"])).run()


if __name__ == "__main__":
    main()
