"""Locust's user as a sender: at most one request in flight, over one connection of its own.

Locust's own clients are passed by, on purpose: they follow redirects, keep cookies, build every request anew and start
their clock after the request was built.
"""

from typing import Any, ClassVar

from locust import User, task
from locust.exception import StopUser

from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.http.connection import Connection
from createflow.scenarios.load.http.errors import TIMEOUT, ExchangeError
from createflow.scenarios.load.http.reply_parser import Reply
from createflow.scenarios.load.node.connections import Connections
from createflow.scenarios.load.node.dispatch import Dispatch
from createflow.scenarios.load.node.request_template import RequestMaker
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.schemas.operation import Operation


class Senders:
    """What all senders of a node share."""

    def __init__(
        self, dispatch: Dispatch, recorder: Recorder, requests: RequestMaker, connections: Connections
    ) -> None:
        self._dispatch = dispatch
        self._recorder = recorder
        self._requests = requests
        self._connections = connections
        self._locust: Any = None

    def tell(self, event: Any) -> None:
        """From now on fire Locust's own request event too, for its web page."""
        self._locust = event

    def serve(self) -> None:
        """Send what comes due, until there is nothing more."""
        connection = self._connections.one()
        while (arrival := self._dispatch.next_arrival()) is not None:
            self._send(connection, arrival)

    def _send(self, connection: Connection, arrival: Arrival) -> None:
        """Once, and enter what happened into the books."""
        request = self._requests.request(arrival)
        learns = self._requests.learns and arrival.operation is Operation.CREATE
        sent_s = self._dispatch.sending(arrival)
        reply: Reply | None = None
        error: ExchangeError | None = None
        try:
            reply = connection.exchange(request, keep=learns)
        except ExchangeError as raised:
            error = raised
        done_s = self._dispatch.now_s()
        if connection.connect_s is not None:
            self._connections.note(connection)
        if not self._dispatch.settled(arrival):
            return
        if reply is not None:
            self._recorder.replied(arrival, sent_s, done_s, reply.status)
            if learns and 200 <= reply.status < 300:
                self._requests.learn(reply, arrival)
        elif error is not None and error.kind == TIMEOUT:
            self._recorder.timed_out(arrival, sent_s, done_s)
        elif error is not None:
            self._recorder.failed(arrival, sent_s, done_s, error.kind, maybe_sent=error.maybe_sent)
        if self._locust is not None:
            self._locust.fire(
                request_type=arrival.operation.value,
                name="response, from the intended time",
                response_time=(done_s - arrival.due_s) * 1000,
                response_length=0,
                exception=error or (None if reply and reply.status < 400 else f"status {reply and reply.status}"),
                context={},
            )


class Sender(User):
    """The user class of every run; what it works for is known only when the run is."""

    senders: ClassVar[Senders | None] = None

    @task
    def serve(self) -> None:
        """Serve until the end of the run."""
        if self.senders is not None:
            self.senders.serve()
        raise StopUser
