"""A load node: a process of its own that runs its share of the schedule with Locust's users as senders.

``python -m createflow.scenarios.load.node``, started by ``fleet.py`` and useless by hand.
"""

import os
import sys

# Locust patches the standard library on import unless told not to. Everything that blocks here waits through gevent
# itself, and unpatched sockets spare one switch of greenlets on every request.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

import gc
import json
import logging
import resource
import time
from typing import Literal

import gevent
from gevent.fileobject import FileObject
from locust.env import Environment

from createflow.scenarios.load.dispatch import Dispatcher
from createflow.scenarios.load.message import NodeConfig, NodeState
from createflow.scenarios.load.recorder import Recorder
from createflow.scenarios.load.schedule import ConstantRate, stripe
from createflow.scenarios.load.sender import sender_class

_TICK_S = 1.0
_OPEN_FILES = 1024


class Node:
    """One node of one run."""

    def __init__(self, config: NodeConfig, commands: "FileObject", telemetry: "FileObject") -> None:
        self._config = config
        self._commands = commands
        self._telemetry = telemetry
        self._seq = 0
        self._cpu_start_s = 0.0
        end_s = config.warmup_s + config.duration_s
        self._recorder = Recorder(warmup_s=config.warmup_s, end_s=end_s)
        self._dispatcher = Dispatcher(
            stripe(ConstantRate(config.rate_per_s, end_s), config.index, config.of),
            self._recorder,
            max_backlog_age_s=config.timeout_s,
        )

    def run(self) -> None:
        """Spawn the senders, say that we are ready, run the schedule, drain, send the final books."""
        runner = Environment(
            user_classes=[sender_class(self._config, self._dispatcher, self._recorder)]
        ).create_local_runner()
        runner.start(self._config.senders, spawn_rate=self._config.senders)
        while runner.user_count < self._config.senders:
            gevent.sleep(0.01)
        gc.collect()
        gc.freeze()
        self._say("ready")
        t0 = self._wait_for_start()
        control = gevent.spawn(self._obey)
        ticks = gevent.spawn(self._tick)
        self._dispatcher.pace(t0)
        self._dispatcher.drain(self._config.drain_s)
        gevent.killall([control, ticks])
        self._recorder.assert_balanced()
        self._say("final")

    def _wait_for_start(self) -> float:
        """The common start, given on the wall clock that machines share, in this process's own clock."""
        start = float(json.loads(self._read_command())["start"])
        self._cpu_start_s = time.process_time()
        return time.perf_counter() + (start - time.time())

    def _obey(self) -> None:
        while True:
            if json.loads(self._read_command()).get("stop"):
                self._dispatcher.stop()

    def _read_command(self) -> bytes:
        line: bytes = self._commands.readline()
        if not line:
            os._exit(0)  # The parent is gone: nobody will read our books, and load without an owner must not go on.
        return line

    def _tick(self) -> None:
        due_s = _TICK_S
        while True:
            gevent.sleep(max(0.01, due_s - self._dispatcher.now_s()))
            self._say("tick")
            due_s += _TICK_S

    def _say(self, kind: Literal["ready", "tick", "final"]) -> None:
        self._seq += 1
        now_s = self._dispatcher.now_s()
        state = NodeState(
            kind=kind,
            seq=self._seq,
            now_s=now_s,
            in_flight=self._dispatcher.in_flight,
            backlog=self._dispatcher.backlog,
            peak_in_flight=self._dispatcher.peak_in_flight,
            cpu_ratio=(time.process_time() - self._cpu_start_s) / max(now_s, 0.1),
            memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            ended_s=self._dispatcher.ended_s,
            books=self._recorder.to_json(),
        )
        self._telemetry.write(state.encode())
        self._telemetry.flush()


def main() -> None:
    """Read the configuration and run."""
    _allow_sockets()
    # Whatever prints must not get between the messages.
    telemetry = FileObject(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    logging.getLogger("locust").setLevel(logging.ERROR)
    commands = FileObject(sys.stdin.fileno(), "rb")
    line = commands.readline()
    if line:
        Node(NodeConfig.decode(line), commands, telemetry).run()


def _allow_sockets() -> None:
    """Raise the limit of open files as far as senders may need it: running out would look like the target's fault."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_OPEN_FILES, hard), hard))


if __name__ == "__main__":
    main()
