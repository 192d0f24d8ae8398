"""One worker's part of a run: builds dispatch, recorder, requests and senders, runs them and reports their state."""

import math
import socket
import time
from collections.abc import Callable, Iterator
from typing import Literal, TypeGuard

import gevent
from locust.env import Environment

from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.accounting.tail_recorder import TailRecorder
from createflow.scenarios.load.node.dispatch import ClosedLoop, Dispatch, OpenLoop
from createflow.scenarios.load.node.health import Health
from createflow.scenarios.load.node.request_builder import RequestBuilder
from createflow.scenarios.load.node.sender import Connections, Sender, SenderContext
from createflow.scenarios.load.node.told_lately import ToldLately
from createflow.scenarios.load.plan.messages import Document, NodeConfig, NodeState
from createflow.scenarios.load.plan.mix import assign_operations

_TICK_S = 1.0
_CREATED_EVERY_S = 0.1
"""What was created is told so often, since it is lost when this process is killed."""
_KEPT_S = 5.0
_LATE_DRAIN_S = 1.0
_FOREVER_S = 3600.0


class Engine:
    """The load engine of one worker, independent of Locust's runner and of how messages travel.

    Args:
        config: what to do.
        environment: Locust's.
        send: sends a message to the parent.
    """

    def __init__(self, config: NodeConfig, environment: Environment, send: Callable[[Document], None]) -> None:
        self._config = config
        self._send = send
        self._seq = 0
        self._lately = ToldLately(_KEPT_S)
        self._is_ending_early = False
        self._drain_s = config.drain_s
        self._health = Health()
        self._recorder = Recorder(
            warmup_s=config.warmup_s, end_s=config.schedule.duration_s, node_count=config.node_count
        )
        self._more_senders = config.most_senders - config.senders
        self._dispatch = self._make_dispatch()
        self._requests = RequestBuilder(config)
        self._connections = Connections(config, self._recorder.ledger.connect)
        self._tail = TailRecorder(config.warmup_s)
        self._senders = context = SenderContext(
            self._dispatch, self._recorder, self._tail, self._requests, self._connections
        )
        Sender.sender_context = context
        if config.locust_statistics:
            context.fire_locust_event(environment.events.request)

    def prepare(self) -> None:
        """Wait for the senders, open connections, freeze the garbage collector, and report ``ready``."""
        while self._dispatch.idle < self._config.senders:
            gevent.sleep(0.01)
        self._connections.open_ahead()
        self._health.start()
        self._send_state("ready")

    def run(self, start_epoch_s: float) -> None:
        """Run the schedule, drain, and send the final ledger.

        Args:
            start_epoch_s: the common start of all workers, on this machine's wall clock.
        """
        self._dispatch.start(time.perf_counter() + (start_epoch_s - time.time()))
        ticks = gevent.spawn(self._tick)
        telling = gevent.spawn(self._tell_created_often) if self._config.reports_created else None
        self._dispatch.schedule_ended.wait()
        self._dispatch.drain(lambda: self._drain_s)
        if self._is_ending_early:  # nobody waits for the rest
            gevent.sleep(_FOREVER_S)
        ticks.kill()
        if telling is not None:
            telling.kill()
        self._health.stop()
        self._recorder.ledger.assert_balanced()
        self._send_state("final")

    def end_early(self) -> Iterator[Document]:
        """Send no more requests, and wait a moment for replies: nobody will command this process any more.

        Returns:
            What was created lately, as far as it may not have been heard.
        """
        self._is_ending_early = True
        self._dispatch.stop()
        deadline = time.monotonic() + _LATE_DRAIN_S
        while self._config.reports_created and self._dispatch.in_flight and time.monotonic() < deadline:
            gevent.sleep(0.01)
        for document in self._lately.drain(self._take_created):
            yield document | {"late": True}

    def handle(self, command: Document) -> None:
        """Carry out a command of the parent during the run: stop, or use renewed tokens."""
        if command.get("stop"):
            if _is_drain(drain_s := command.get("drain_s")):
                self._drain_s = min(self._drain_s, drain_s)
            self._dispatch.stop()
        elif "credentials" in command:
            self._requests.set_credentials(tuple(tuple(parts) for parts in command["credentials"]))

    def _make_dispatch(self) -> Dispatch:
        config = self._config
        if config.closed:
            return ClosedLoop(config, self._recorder)
        return OpenLoop(
            assign_operations(config.schedule.share(config.index, config.node_count), config.pattern),
            self._recorder,
            max_backlog_age_s=config.timeout_s,
            drop=config.drop,
            start_sender=self._start_sender,
        )

    def _start_sender(self) -> bool:
        """Start one more sender, unless there are enough: called in the hub, where nothing may block."""
        if self._more_senders <= 0:
            return False
        self._more_senders -= 1
        gevent.spawn(self._senders.run)
        return True

    def _tick(self) -> None:
        due_s = _TICK_S
        while True:
            gevent.sleep(max(0.01, due_s - self._dispatch.now_s()))
            self._send_state("tick")
            due_s += _TICK_S

    def _tell_created_often(self) -> None:
        while True:
            gevent.sleep(_CREATED_EVERY_S)
            self._tell_created()

    def _take_created(self) -> list[Document]:
        return [{"index": self._config.index, **created} for created in self._requests.take_created()]

    def _tell_created(self) -> None:
        for document in self._lately.keep(self._take_created()):
            self._send(document)
        for to_read in self._requests.take_to_read():
            self._send({"index": self._config.index, **to_read})

    def _send_state(self, kind: Literal["ready", "tick", "final"]) -> None:
        self._seq += 1
        self._tell_created()
        if kind == "final":
            for outcomes in self._recorder.outcomes_to_wire():
                self._send({"index": self._config.index, "outcomes": outcomes})
            for part in self._tail.to_wire():
                self._send({"index": self._config.index, "tail": part})
        state = NodeState(
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
            resent=self._recorder.resent,
            renamed=self._recorder.renamed,
            last_reply_k=self._recorder.last_reply_k,
            last_reply_s=self._recorder.last_reply_s,
            sent_since_reply=self._recorder.sent_since_reply,
            without_resource=self._senders.without_resource,
            unusable_locations=dict(self._requests.unusable_locations),
            ledger=self._recorder.ledger.to_wire(),
            due_in_warmup=self._recorder.due_in_warmup,
        )
        self._send({"index": self._config.index, "state": state.to_document()})


def _is_drain(value: object) -> TypeGuard[float]:
    """Whether a command says how long to wait for replies. A master may be anybody's."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf
