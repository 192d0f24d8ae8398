"""Connections to NATS, and the gateway's requests to the services."""

import asyncio
import itertools
import logging
import ssl
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

from createflow.reference_server.adapters.nats_codec import (
    decode_batch,
    decode_reply,
    encode_batch,
    encode_request,
    split_into_batches,
)
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.ports import ServiceReply, UnavailableError, UnknownOutcomeError

_NOT_SENT = (
    OutboundBufferLimitError,
    ConnectionClosedError,
    ConnectionDrainingError,
    ConnectionReconnectingError,
    StaleConnectionError,
    MaxPayloadError,
)
_NO_RESPONDERS = "503"
"""The NATS server's own answer when nobody subscribes to the subject."""
RECONNECT_S = 0.2
ANSWER_WAIT_S = 0.8
_FOR_EVER_S = 60
"""The connection to a broker that is silent for a quarter of this is given up."""


def inbox_prefix(kind: str) -> str:
    """Return the first token of the subjects on which this kind of process receives replies.

    Each kind has its own, so that the server's permissions keep the replies to one from the others.
    """
    return f"_{kind.upper()}"


async def connect(
    url: str, name: str, *, kind: str, buffered: bool = True, trust: ssl.SSLContext | None = None
) -> Client:
    """Connect as soon as the server is there; the connection is made again whenever it is lost.

    Args:
        url: with user and password.
        name: shown in the server's list of connections.
        kind: of the process: ``gateway``, ``service`` or ``worker``.
        buffered: keep what is published while the server is away. Requests must not be kept: one could be carried out
            long after its client got a refusal.
        trust: connect over TLS, which begins before the server says anything.
    """
    options: dict[str, Any] = {} if buffered else {"pending_size": 0}
    if trust is not None:
        options |= {"tls": trust, "tls_handshake_first": True}
    while True:
        try:
            return await nats.connect(
                url,
                name=name,
                inbox_prefix=inbox_prefix(kind),
                connect_timeout=1,
                reconnect_time_wait=RECONNECT_S,
                max_reconnect_attempts=-1,
                ping_interval=5,
                error_cb=_tell,
                skip_subject_validation=True,
                **options,
            )
        except (OSError, nats.errors.Error, TimeoutError):
            await asyncio.sleep(RECONNECT_S / 4)


class RoundTrip:
    """Asks the broker for a sign of life. A connection to a broker that hangs counts as connected for a while."""

    def __init__(self) -> None:
        self._asked: asyncio.Task[None] | None = None
        self._connection = -1

    async def succeeds(self, client: Client | None) -> bool:
        """Whether the broker answers now."""
        if client is None or not client.is_connected:
            return False
        connection = client.stats["reconnects"]
        if self._asked is None or self._asked.done() or self._connection != connection:
            # Never given up before the connection is: an answer to a request that was given up breaks the connection.
            self._asked = asyncio.create_task(client.flush(timeout=_FOR_EVER_S))
            self._connection = connection
        done, _ = await asyncio.wait([self._asked], timeout=ANSWER_WAIT_S)
        return bool(done) and not self._asked.cancelled() and self._asked.exception() is None


async def subscribe(client: Client, subject: str, on_message: Callable[[], None]) -> None:
    """Call ``on_message`` for each message on a subject."""

    async def callback(_message: Msg) -> None:
        on_message()

    await client.subscribe(subject, cb=callback)


async def _tell(error: Exception) -> None:
    """Log what is no lost connection: the library gives us the errors of our own callbacks, too.

    Lost connections show in /readyz and in refusals, and the library would print a traceback for each.
    """
    if not isinstance(error, (nats.errors.Error, OSError, TimeoutError, EOFError)):
        logging.getLogger(__name__).error("a message could not be handled: %r", error)


class _Batch:
    """Requests that were sent as one message and wait for their replies."""

    __slots__ = ("timer", "waiting")

    def __init__(self, waiting: dict[int, asyncio.Future[ServiceReply]], timer: asyncio.TimerHandle) -> None:
        self.waiting = waiting
        self.timer = timer


class NatsBus:
    """Sends requests to ``{prefix}.resources.requests``; the server picks one member of the queue group.

    Requests of one turn of the event loop are sent as one message to one instance. Each gets its own reply.

    Args:
        prefix: of the subjects.
        timeout_s: how long to wait for a reply.
    """

    def __init__(self, prefix: str, timeout_s: float) -> None:
        self._subject = f"{prefix}.resources.requests"
        self._timeout_s = timeout_s
        self._client: Client | None = None
        self._round_trip = RoundTrip()
        self._inbox = ""
        self._numbers = itertools.count()
        self._unsent: list[tuple[bytes, asyncio.Future[ServiceReply]]] = []
        self._batches: dict[int, _Batch] = {}
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def is_connected(self) -> bool:
        """Whether a request could be sent now."""
        return self._client is not None and self._client.is_connected

    async def answers(self) -> bool:
        """Whether the broker answers now."""
        return await self._round_trip.succeeds(self._client)

    async def use(self, client: Client) -> None:
        """Send over this connection from now on."""
        self._inbox = client.new_inbox()
        await client.subscribe(f"{self._inbox}.*", cb=self._on_replies)
        self._client = client

    async def request(self, job: Job) -> ServiceReply:
        """Send the job to any one instance and return its reply."""
        if not self.is_connected:
            raise UnavailableError("not connected")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ServiceReply] = loop.create_future()
        if not self._unsent:
            loop.call_soon(self._send_batches)
        self._unsent.append((encode_request(job), future))
        return await future

    def _send_batches(self) -> None:
        unsent, self._unsent = self._unsent, []
        waiting = [future for _, future in unsent]
        for parts in split_into_batches(enumerate(request for request, _ in unsent)):
            number = next(self._numbers)
            late = UnknownOutcomeError("no answer in time")
            timer = asyncio.get_running_loop().call_later(self._timeout_s, self._fail, number, late)
            self._batches[number] = _Batch({position: waiting[position] for position, _ in parts}, timer)
            task = asyncio.create_task(self._send(number, encode_batch(parts)))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, number: int, message: bytes) -> None:
        try:
            if self._client is not None:
                await self._client.publish(self._subject, message, reply=f"{self._inbox}.{number}")
        except _NOT_SENT as error:
            self._fail(number, UnavailableError(str(error)))

    async def _on_replies(self, message: Msg) -> None:
        number = int(message.subject.rpartition(".")[2])
        batch = self._batches.get(number)
        if batch is None:
            return  # timed out
        if message.headers is not None and message.headers.get("Status") == _NO_RESPONDERS:
            self._fail(number, UnavailableError("no instance is there"))
            return
        for position, reply in decode_batch(message.data):
            future = batch.waiting.pop(position)
            if not future.done():
                future.set_result(decode_reply(reply))
        if not batch.waiting:
            batch.timer.cancel()
            del self._batches[number]

    def _fail(self, number: int, error: Exception) -> None:
        """Raise the error to all requests of the batch that still wait."""
        batch = self._batches.pop(number)
        batch.timer.cancel()
        for future in batch.waiting.values():
            if not future.done():
                future.set_exception(error)
