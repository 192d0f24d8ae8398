"""The senders of a load worker: each is a Locust user with one connection and at most one request in flight.

Locust's own HTTP clients are not used, on purpose: they follow redirects, keep cookies, build every request anew and
start their clock after the request was built.
"""

from time import perf_counter
from typing import Any, ClassVar

from locust import User, task
from locust.exception import StopUser

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.accounting.tail_recorder import TailRecorder, Times
from createflow.scenarios.load.http.connect import Endpoint
from createflow.scenarios.load.http.connection import Connection
from createflow.scenarios.load.http.deadlines import Deadlines
from createflow.scenarios.load.http.errors import TIMEOUT, ExchangeError
from createflow.scenarios.load.http.reply_parser import Reply
from createflow.scenarios.load.node.dispatch import Dispatch
from createflow.scenarios.load.node.request_builder import RequestBuilder
from createflow.scenarios.load.plan.messages import NodeConfig
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.scenarios.load.plan.write_log import FIRST_RESENT
from createflow.schemas.operation import Operation

_OPEN_AHEAD_S = 0.05
"""Before the run as many connections are opened as the highest rate keeps busy with replies that take this long."""


class Connections:
    """The connections of a worker, one for each sender.

    Args:
        config: of the worker.
        connect: records how long connecting takes, for connections opened during the run.
    """

    def __init__(self, config: NodeConfig, connect: Histogram) -> None:
        self._connect = connect
        self._endpoint = Endpoint.from_url(
            config.base_url,
            ca_file=config.ca_file,
            client_certificate=config.client_certificate,
            is_verified=config.verify_tls,
            timeout_s=config.timeout_s,
        )
        self._deadlines = Deadlines()
        busy = config.senders if config.closed else int(config.schedule.peak_per_s / config.node_count * _OPEN_AHEAD_S)
        self._ahead = 1 + busy
        self._all: list[Connection] = []
        self.opened = 0
        """Connections opened during the run."""

    def add(self) -> Connection:
        """A connection for the calling sender. It opens with the first request."""
        connection = Connection(self._endpoint, self._deadlines)
        self._all.append(connection)
        return connection

    def record_opened(self, connection: Connection) -> None:
        """Record how long a connection took to open, if it was opened."""
        if connection.connect_s is not None:
            self.opened += 1
            self._connect.record(connection.connect_s)
            connection.connect_s = None

    def open_ahead(self) -> None:
        """Open connections before the run, in the order in which senders will use them last to first.

        An error ends this silently: it will show again during the run.
        """
        for connection in self._all[-self._ahead :]:
            try:
                connection.open()
                connection.connect_s = None
            except ExchangeError:
                return


class SenderContext:
    """What all senders of a worker share, and the loop that each of them runs."""

    def __init__(
        self,
        dispatch: Dispatch,
        recorder: Recorder,
        tail: TailRecorder,
        requests: RequestBuilder,
        connections: Connections,
    ) -> None:
        self._dispatch = dispatch
        self._recorder = recorder
        self._tail = tail
        self._requests = requests
        self._connections = connections
        self._locust_event: Any = None
        self.without_resource = 0
        """Reads and updates that were not sent, because no reply to a create named a resource on the target."""

    def fire_locust_event(self, event: Any) -> None:
        """Fire Locust's request event for each request from now on, for its web page."""
        self._locust_event = event

    def run(self) -> None:
        """Send what is due, until the run is over."""
        connection = self._connections.add()
        while (arrival := self._dispatch.next_arrival()) is not None:
            self._send(connection, arrival)

    def _send(self, connection: Connection, arrival: Arrival) -> None:
        """Send one request, and record what happened.

        It goes out once more, on a new connection, when a reused one ended before any byte of the reply: the server may
        have closed it just then. If it may have seen a create, the second one has another name.
        """
        request = self._requests.build(arrival)
        if request is None:
            self._recorder.record_not_sent(arrival)
            self.without_resource += 1
            return
        keep = self._requests.needs_reply(arrival)
        sent_s = self._dispatch.start_request(arrival)
        sent, reply, error = self._exchange(connection, arrival, request, keep=keep)
        done_s = self._dispatch.now_s()
        connect_s = connection.connect_s
        if connect_s is not None:
            self._connections.record_opened(connection)
        if not self._dispatch.finish_request(arrival):
            return
        if reply is not None:
            is_nameless = self._is_nameless(connection, arrival, reply, keep=keep)
            self._recorder.record_reply(arrival, sent_s, done_s, reply.status, is_nameless=is_nameless)
            if self._tail.keeps(arrival, done_s):
                body_s = perf_counter() - connection.first_byte_s if connection.first_byte_s else 0.0
                times = Times(arrival.due_s, sent_s, done_s, connect_s or 0.0, body_s)
                self._tail.keep(sent, reply.status, times, connection.received)
            if keep and 200 <= reply.status < 300:
                self._requests.remember(reply, sent)
        elif error is not None and error.kind == TIMEOUT:
            self._recorder.record_timeout(arrival, sent_s, done_s)
        elif error is not None:
            self._recorder.record_failure(arrival, sent_s, done_s, error.kind, maybe_sent=error.maybe_sent)
        if self._locust_event is not None:
            self._locust_event.fire(
                request_type=arrival.operation.value,
                name="response, from the intended time",
                response_time=(done_s - arrival.due_s) * 1000,
                response_length=0,
                exception=error or (None if reply and reply.status < 400 else f"status {reply and reply.status}"),
                context={},
            )

    def _exchange(
        self, connection: Connection, arrival: Arrival, request: bytes, *, keep: bool
    ) -> tuple[Arrival, Reply | None, ExchangeError | None]:
        """What was sent last, and its reply or the error."""
        try:
            return arrival, connection.exchange(request, keep=keep), None
        except ExchangeError as raised:
            if not raised.ended_reuse or not self._dispatch.may_send_again:
                return arrival, None, raised
            sent, request = self._again(arrival, request, raised)
        try:
            return sent, connection.exchange(request, keep=keep), None
        except ExchangeError as again:
            return sent, None, again

    def _is_nameless(self, connection: Connection, arrival: Arrival, reply: Reply, *, keep: bool) -> bool:
        """Whether a reply accepts a create and names nothing that was created."""
        if arrival.operation is not Operation.CREATE or not 200 <= reply.status < 300:
            return False
        if keep:
            return not self._requests.names_resource(reply)
        return not self._requests.names_something(connection.received)

    def _again(self, arrival: Arrival, request: bytes, error: ExchangeError) -> tuple[Arrival, bytes]:
        """What is sent once more."""
        if arrival.operation is not Operation.CREATE or error.is_unseen:
            self._recorder.record_resent(arrival, is_renamed=False)
            return arrival, request
        self._recorder.record_resent(arrival, is_renamed=True)
        renamed = Arrival(FIRST_RESENT + arrival.k, arrival.due_s, arrival.operation)
        return renamed, self._requests.build(renamed) or request


class Sender(User):
    """The Locust user class. Locust creates the users after ``sender_context`` has been set."""

    sender_context: ClassVar[SenderContext | None] = None

    @task
    def send(self) -> None:
        """Send until the run is over."""
        if self.sender_context is not None:
            self.sender_context.run()
        raise StopUser
