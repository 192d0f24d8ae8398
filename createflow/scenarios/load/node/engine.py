"""One node's part of a run, whatever runner of Locust's it lives in and however its messages travel."""

import socket
import time
from collections.abc import Callable
from typing import Literal

import gevent
from locust.env import Environment

from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.node.closed_loop import ClosedLoop
from createflow.scenarios.load.node.connections import Connections
from createflow.scenarios.load.node.dispatch import Dispatch
from createflow.scenarios.load.node.health import Health
from createflow.scenarios.load.node.open_loop import OpenLoop
from createflow.scenarios.load.node.request_template import RequestMaker
from createflow.scenarios.load.node.sender import Sender, Senders
from createflow.scenarios.load.plan.message import Document, NodeConfig, NodeState
from createflow.scenarios.load.plan.mix import in_pattern

_TICK_S = 1.0


class Engine:
    """Schedule, senders and books of one node."""

    def __init__(self, config: NodeConfig, environment: Environment, say: Callable[[NodeState], None]) -> None:
        self._config = config
        self._say_state = say
        self._seq = 0
        self._health = Health()
        self._recorder = Recorder(warmup_s=config.warmup_s, end_s=config.schedule.duration_s, of=config.of)
        self._dispatch = _dispatch(config, self._recorder)
        self._requests = RequestMaker(config)
        self._connections = Connections(config, self._recorder.books.connect)
        Sender.senders = Senders(self._dispatch, self._recorder, self._requests, self._connections)
        if config.locust_statistics:
            Sender.senders.tell(environment.events.request)

    def prepare(self) -> None:
        """Once the senders stand ready: open connections, keep the garbage collector away, say that we are ready."""
        while self._dispatch.idle < self._config.senders:
            gevent.sleep(0.01)
        self._connections.open_ahead()
        self._health.start()
        self._say("ready")

    def run(self, start_epoch_s: float) -> None:
        """Run the schedule, drain, say the final books.

        Args:
            start_epoch_s: the common start, on this machine's wall clock.
        """
        self._dispatch.start(time.perf_counter() + (start_epoch_s - time.time()))
        ticks = gevent.spawn(self._tick)
        self._dispatch.paced.wait()
        self._dispatch.drain(self._config.drain_s)
        ticks.kill()
        self._health.stop()
        self._recorder.books.assert_balanced()
        self._say("final")

    def obey(self, command: Document) -> None:
        """Do what the parent says during the run: stop, or go on with younger tokens."""
        if command.get("stop"):
            self._dispatch.stop()
        elif "renew" in command:
            self._requests.renew(tuple((header, value) for header, value in command["renew"]))

    def _tick(self) -> None:
        due_s = _TICK_S
        while True:
            gevent.sleep(max(0.01, due_s - self._dispatch.now_s()))
            self._say("tick")
            due_s += _TICK_S

    def _say(self, kind: Literal["ready", "tick", "final"]) -> None:
        self._seq += 1
        self._say_state(
            NodeState(
                index=self._config.index,
                kind=kind,
                seq=self._seq,
                now_s=self._dispatch.now_s() if kind != "ready" else 0.0,
                in_flight=self._dispatch.in_flight,
                backlog=self._dispatch.backlog,
                peak_in_flight=self._dispatch.peak_in_flight,
                cpu_s=self._health.cpu_s,
                memory_mb=self._health.memory_mb,
                loop_delay_p99_ms=self._health.loop_delay_p99_ms,
                gc_pause_max_ms=self._health.gc_pause_max_ms,
                connections_opened=self._connections.opened,
                host=socket.gethostname(),
                ended_s=self._dispatch.ended_s,
                books=self._recorder.books.to_wire(),
                outcomes=self._recorder.outcomes_to_wire() if kind == "final" else {},
            )
        )


def _dispatch(config: NodeConfig, recorder: Recorder) -> Dispatch:
    if config.closed:
        return ClosedLoop(config, recorder)
    arrivals = in_pattern(config.schedule.share(config.index, config.of), config.pattern)
    return OpenLoop(arrivals, recorder, max_backlog_age_s=config.timeout_s, drop=config.drop)
