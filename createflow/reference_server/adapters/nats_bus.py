"""Connections to NATS, and the gateway's request and reply over one."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import (
    ConnectionClosedError,
    ConnectionDrainingError,
    ConnectionReconnectingError,
    MaxPayloadError,
    OutboundBufferLimitError,
    StaleConnectionError,
)

from createflow.reference_server.adapters.nats_batch_frame import join, portions, split
from createflow.reference_server.adapters.reply_frame import unpack
from createflow.reference_server.domain.port import Answer, UnavailableError, UnknownOutcomeError

_NOT_SENT = (
    OutboundBufferLimitError,
    ConnectionClosedError,
    ConnectionDrainingError,
    ConnectionReconnectingError,
    StaleConnectionError,
    MaxPayloadError,
)
_NO_RESPONDERS = "503"
"""The server's own answer when nobody listens."""
RECONNECT_S = 0.2


async def connect(url: str, name: str, *, buffered: bool = True) -> Client:
    """A connection that is made as soon as the server is there, and made again whenever it is lost.

    Args:
        url: with user and password.
        name: shown in the server's list of connections.
        buffered: keep what is published while the server is away. Not for requests: one could be carried out long
            after its client has been told that it was not.
    """
    options: dict[str, Any] = {} if buffered else {"pending_size": 0}
    while True:
        try:
            return await nats.connect(
                url,
                name=name,
                connect_timeout=1,
                reconnect_time_wait=RECONNECT_S,
                max_reconnect_attempts=-1,
                ping_interval=5,
                error_cb=_ignore,
                skip_subject_validation=True,
                **options,
            )
        except (OSError, nats.errors.Error, TimeoutError):
            await asyncio.sleep(RECONNECT_S / 4)


async def listen(client: Client, subject: str, heard: Callable[[], None]) -> None:
    """Call ``heard`` for each message on a subject."""

    async def on_message(_message: Msg) -> None:
        heard()

    await client.subscribe(subject, cb=on_message)


async def _ignore(_error: Exception) -> None:
    """Lost connections show in /readyz and in the refusals; the library would print a traceback each time."""


class _Trip:
    """Requests that left as one message, and who waits for their answers."""

    __slots__ = ("timer", "waiting")

    def __init__(self, waiting: dict[int, asyncio.Future[Answer]], timer: asyncio.TimerHandle) -> None:
        self.waiting = waiting
        self.timer = timer


class NatsBus:
    """Requests to ``{prefix}.resources.requests``: the server picks one member of the queue group.

    Requests of one turn of the loop travel as one message, to one instance; each is answered for itself.

    Args:
        prefix: of the subjects.
        timeout_s: how long an answer is waited for.
    """

    def __init__(self, prefix: str, timeout_s: float) -> None:
        self._subject = f"{prefix}.resources.requests"
        self._timeout_s = timeout_s
        self._client: Client | None = None
        self._inbox = ""
        self._numbers = itertools.count()
        self._leaving: list[tuple[bytes, asyncio.Future[Answer]]] = []
        self._trips: dict[int, _Trip] = {}
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether a request could be sent now."""
        return self._client is not None and self._client.is_connected

    async def use(self, client: Client) -> None:
        """From now on send over this connection."""
        self._inbox = client.new_inbox()
        await client.subscribe(f"{self._inbox}.*", cb=self._on_answers)
        self._client = client

    async def request(self, envelope: bytes) -> Answer:
        """Ask any one instance."""
        if not self.connected:
            raise UnavailableError("not connected")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        if not self._leaving:
            loop.call_soon(self._depart)
        self._leaving.append((envelope, future))
        return await future

    def _depart(self) -> None:
        leaving, self._leaving = self._leaving, []
        waiting = [future for _, future in leaving]
        for portion in portions(enumerate(envelope for envelope, _ in leaving)):
            number = next(self._numbers)
            late = UnknownOutcomeError("no answer in time")
            timer = asyncio.get_running_loop().call_later(self._timeout_s, self._fail, number, late)
            self._trips[number] = _Trip({place: waiting[place] for place, _ in portion}, timer)
            task = asyncio.create_task(self._send(number, join(portion)))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, number: int, message: bytes) -> None:
        try:
            if self._client is not None:
                await self._client.publish(self._subject, message, reply=f"{self._inbox}.{number}")
        except _NOT_SENT as error:
            self._fail(number, UnavailableError(str(error)))

    async def _on_answers(self, message: Msg) -> None:
        number = int(message.subject.rpartition(".")[2])
        trip = self._trips.get(number)
        if trip is None:
            return  # it was given up
        if message.headers is not None and message.headers.get("Status") == _NO_RESPONDERS:
            self._fail(number, UnavailableError("no instance is there"))
            return
        for place, frame in split(message.data):
            future = trip.waiting.pop(place)
            if not future.done():
                future.set_result(unpack(frame))
        if not trip.waiting:
            trip.timer.cancel()
            del self._trips[number]

    def _fail(self, number: int, error: Exception) -> None:
        """Tell all who still wait."""
        trip = self._trips.pop(number)
        trip.timer.cancel()
        for future in trip.waiting.values():
            if not future.done():
                future.set_exception(error)
