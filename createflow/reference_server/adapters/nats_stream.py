"""The event stream in JetStream: created if missing, published to by the relay, consumed by the worker."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from createflow.reference_server.adapters.nats_codec import decode_event, encode_event
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.ports import StreamLostError, UnavailableError

PUBLISH_WAIT_S = 2.0
FETCH_WAIT_S = 1.0
DUPLICATE_WINDOW_S = 120.0
KEEP_S = 7 * 24 * 3600.0
ACK_WAIT_S = 30.0
ACK_PENDING_MAX = 4000
RETRY_DELAY_S = 0.5

_NO_STREAM = "no stream takes events"
"""Said for the broker's own reply that nobody listens to the subject."""
_FAILURES = (nats.errors.Error, JetStreamError, TimeoutError, OSError)


class NatsStream:
    """The stream ``{PREFIX}_EVENTS`` over the subjects ``{prefix}.events.>``.

    Args:
        prefix: of the subjects.
        encode: turns an event into a message.
        keep_s: the stream drops events that are older, in seconds.
    """

    def __init__(
        self, prefix: str, encode: Callable[[ResourceEvent], bytes] = encode_event, *, keep_s: float = KEEP_S
    ) -> None:
        self._prefix = prefix
        self._encode = encode
        self._keep_s = keep_s
        self._name = f"{prefix.upper()}_EVENTS"
        self._client: Client | None = None
        self._inbox = ""
        self._acks = _Acks(0)
        self._consumers: list[NatsConsumer] = []

    def consumer(self, durable: str, *types: str) -> "NatsConsumer":
        """Return a durable consumer of this name over events of these types; call this before ``use``.

        Several processes may have a consumer of one name. Each event is then delivered to one of them.
        """
        subjects = [f"{self._prefix}.events.{kind}" for kind in types]
        consumer = NatsConsumer(self._name, durable, subjects)
        self._consumers.append(consumer)
        return consumer

    async def answers(self) -> bool:
        """Whether the broker says now that the stream exists."""
        if self._client is None or not self._client.is_connected:
            return False
        try:
            await self._client.jetstream(timeout=PUBLISH_WAIT_S).stream_info(self._name)
        except _FAILURES:
            return False
        return True

    async def use(self, client: Client) -> None:
        """Publish and fetch over this connection from now on. The stream need not exist yet.

        Raises:
            UnavailableError: the broker does not answer.
        """
        try:
            self._inbox = client.new_inbox()
            await client.subscribe(f"{self._inbox}.*.*", cb=self._on_ack)
        except _FAILURES as error:
            raise UnavailableError(str(error)) from error
        self._client = client
        for consumer in self._consumers:
            consumer.use(client.jetstream(timeout=PUBLISH_WAIT_S))

    async def is_missing(self) -> bool:
        """Whether the broker says that there is no such stream.

        Raises:
            UnavailableError: JetStream does not answer.
        """
        if self._client is None:
            raise UnavailableError("no connection to the broker yet")
        try:
            await self._client.jetstream(timeout=PUBLISH_WAIT_S).stream_info(self._name)
        except NotFoundError:
            return True
        except _FAILURES as error:
            raise UnavailableError(str(error)) from error
        return False

    async def make(self) -> None:
        """Make the stream and its consumers. One process at a time does so: who makes it, publishes everything again.

        Raises:
            UnavailableError: JetStream does not answer.
        """
        if self._client is None:
            raise UnavailableError("no connection to the broker yet")
        stream = self._client.jetstream(timeout=PUBLISH_WAIT_S)
        config = StreamConfig(
            name=self._name,
            subjects=[f"{self._prefix}.events.>"],
            storage=StorageType.FILE,
            retention=RetentionPolicy.LIMITS,
            duplicate_window=min(DUPLICATE_WINDOW_S, self._keep_s),  # JetStream refuses a longer one
            max_age=self._keep_s,
        )
        try:
            await stream.add_stream(config)
            for consumer in self._consumers:
                await consumer.join(stream)
        except _FAILURES as error:
            raise UnavailableError(str(error)) from error

    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        """Publish events, and return how many of them, from the first on, are acknowledged without a gap.

        The server drops events whose id it has seen within ``DUPLICATE_WINDOW_S``.

        Raises:
            UnavailableError: the stream does not exist yet, or refuses all of them.
            StreamLostError: it does not exist any more.
        """
        if self._client is None:
            raise UnavailableError("no stream yet")
        acks = self._acks = _Acks(len(events))
        try:
            async with asyncio.timeout(PUBLISH_WAIT_S):
                for number, event in enumerate(events):
                    await self._client.publish(
                        f"{self._prefix}.events.{event.type}",
                        self._encode(event),
                        reply=f"{self._inbox}.{acks.number}.{number}",
                        headers={"Nats-Msg-Id": event.id},
                    )
                await acks.over.wait()
        except _FAILURES:
            pass  # what has been acknowledged counts all the same
        if acks.refusal == _NO_STREAM:
            raise StreamLostError
        if acks.refusal and not acks.without_gap:
            raise UnavailableError(acks.refusal)
        return acks.without_gap

    async def _on_ack(self, message: Msg) -> None:
        batch, number = message.subject.split(".")[-2:]
        acks = self._acks
        if int(batch) != acks.number:
            return  # too late: its event has been published again
        reply = orjson.loads(message.data) if message.data.startswith(b"{") else {"error": {"description": _NO_STREAM}}
        if "error" not in reply:
            acks.add(int(number))
        else:  # do not wait for the rest
            acks.refusal = str(reply["error"].get("description", "refused"))
            acks.over.set()


class _Acks:
    """Which events of one batch the stream has acknowledged.

    The library would wait for each acknowledgement with a task, a future and a timer: half of the worker's CPU time.
    """

    _numbers = itertools.count()

    def __init__(self, expected: int) -> None:
        self.number = next(self._numbers)
        self.over = asyncio.Event()
        self.refusal = ""
        """Why the stream took one of them not, in its words."""
        self._missing = set(range(expected))
        self._expected = expected

    def add(self, number: int) -> None:
        """Record that this event is acknowledged."""
        self._missing.discard(number)
        if not self._missing:
            self.over.set()

    @property
    def without_gap(self) -> int:
        """How many events are acknowledged, from the first one on."""
        return min(self._missing, default=self._expected)


class NatsConsumer:
    """A durable consumer of the stream."""

    def __init__(self, stream: str, durable: str, subjects: list[str]) -> None:
        self._stream = stream
        self._durable = durable
        self._config = ConsumerConfig(
            durable_name=durable,
            filter_subjects=subjects,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_ack_pending=ACK_PENDING_MAX,
        )
        self._context: JetStreamContext | None = None
        self._pull: JetStreamContext.PullSubscription | None = None

    def use(self, context: JetStreamContext) -> None:
        """Join as soon as something is to be fetched."""
        self._context = context

    async def join(self, context: JetStreamContext) -> None:
        """Go on where this consumer stopped, or at the beginning."""
        await context.add_consumer(self._stream, self._config)
        if self._pull is not None:
            with contextlib.suppress(*_FAILURES):
                await self._pull.unsubscribe()
        self._pull = await context.pull_subscribe_bind(consumer=self._durable, stream=self._stream)
        self._context = context

    async def rewind(self) -> None:
        """Start again with the oldest event.

        Raises:
            UnavailableError: the stream does not answer; the position is unknown then.
        """
        if self._context is None:
            raise UnavailableError("no stream yet")
        try:
            with contextlib.suppress(NotFoundError):
                await self._context.delete_consumer(self._stream, self._durable)
            await self.join(self._context)
        except _FAILURES as error:
            raise UnavailableError(str(error)) from error

    async def _rejoin(self) -> None:
        """Make the consumer again if only it is lost: nothing else would. It starts at the oldest event then."""
        if self._context is not None:
            with contextlib.suppress(*_FAILURES):
                await self._context.consumer_info(self._stream, self._durable)
                return
            with contextlib.suppress(*_FAILURES):
                await self.join(self._context)

    @asynccontextmanager
    async def fetch(self, limit: int) -> AsyncIterator["NatsDelivery"]:
        """Fetch some events; call ``settle`` inside the block.

        Raises:
            UnavailableError: the stream does not answer.
        """
        if self._context is None:
            raise UnavailableError("no connection to the broker yet")
        try:
            if self._pull is None:
                await self.join(self._context)
            assert self._pull is not None  # noqa: S101 - ``join`` has set it
            messages = await self._pull.fetch(limit, timeout=FETCH_WAIT_S)
        except (nats.errors.TimeoutError, TimeoutError):
            messages = []
        except NotFoundError:
            raise UnavailableError(_NO_STREAM) from None
        except _FAILURES as error:
            await self._rejoin()
            raise UnavailableError(str(error) or type(error).__name__) from error
        yield NatsDelivery(messages)


class NatsDelivery:
    """Events that were fetched and wait to be acknowledged."""

    def __init__(self, messages: list[Msg]) -> None:
        self._messages = messages
        self.events = [decode_event(message.data) for message in messages]

    async def settle(self, done: Sequence[bool]) -> None:
        """Acknowledge the events that are done; the others are delivered again a little later.

        Raises:
            UnavailableError: the connection is lost; every event is delivered again.
        """
        try:
            for message, is_done in zip(self._messages, done, strict=True):
                if is_done:
                    await message.ack()
                else:
                    await message.nak(delay=RETRY_DELAY_S)
        except _FAILURES as error:
            raise UnavailableError(str(error)) from error
