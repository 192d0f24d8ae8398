"""The event stream in JetStream: made when missing, published to by the relay, pulled from by who follows it."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from createflow.reference_server.domain.port import UnavailableError

PUBLISH_WAIT_S = 2.0
FETCH_WAIT_S = 1.0
DUPLICATE_WINDOW_S = 120.0
ACK_WAIT_S = 30.0
ACK_PENDING_MAX = 4000
RETRY_DELAY_S = 0.5

_FAILURES = (nats.errors.Error, JetStreamError, TimeoutError, OSError)


class NatsStream:
    """The stream of one prefix: ``{PREFIX}_EVENTS`` over ``{prefix}.events.>``."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._name = f"{prefix.upper()}_EVENTS"
        self._client: Client | None = None
        self._inbox = ""
        self._acks = _Acks(0)
        self._consumers: list[NatsConsumer] = []

    def consumer(self, durable: str, *kinds: str) -> "NatsConsumer":
        """A place in the stream that is kept under this name, over events of these kinds; call before ``ensure``."""
        subjects = [f"{self._prefix}.events.{kind}" for kind in kinds]
        consumer = NatsConsumer(self._name, durable, subjects)
        self._consumers.append(consumer)
        return consumer

    @property
    def ready(self) -> bool:
        """Whether the stream is known to exist."""
        return self._client is not None

    async def ensure(self, client: Client) -> None:
        """Create the stream when it is not there, and the places in it.

        Raises:
            UnavailableError: JetStream does not answer.
        """
        stream = client.jetstream(timeout=PUBLISH_WAIT_S)
        config = StreamConfig(
            name=self._name,
            subjects=[f"{self._prefix}.events.>"],
            storage=StorageType.FILE,
            retention=RetentionPolicy.LIMITS,
            duplicate_window=DUPLICATE_WINDOW_S,
            max_age=7 * 24 * 3600.0,
        )
        try:
            try:
                await stream.stream_info(self._name)
            except NotFoundError:
                await stream.add_stream(config)
            for consumer in self._consumers:
                await consumer.join(stream)
            self._inbox = client.new_inbox()
            await client.subscribe(f"{self._inbox}.*.*", cb=self._on_ack)
        except _FAILURES as error:
            raise UnavailableError(str(error)) from error
        self._client = client

    async def publish(self, events: Sequence[tuple[str, str, bytes]]) -> int:
        """Publish all at once; the server drops what it has seen within two minutes.

        Raises:
            UnavailableError: the stream is not there yet.
        """
        if self._client is None:
            raise UnavailableError("no stream yet")
        acks = self._acks = _Acks(len(events))
        try:
            async with asyncio.timeout(PUBLISH_WAIT_S):
                for number, (kind, event_id, event) in enumerate(events):
                    await self._client.publish(
                        f"{self._prefix}.events.{kind}",
                        event,
                        reply=f"{self._inbox}.{acks.number}.{number}",
                        headers={"Nats-Msg-Id": event_id},
                    )
                await acks.over.wait()
        except _FAILURES:
            pass  # what is acknowledged counts all the same
        return acks.without_gap

    async def _on_ack(self, message: Msg) -> None:
        batch, number = message.subject.split(".")[-2:]
        acks = self._acks
        if int(batch) != acks.number:
            return  # too late: its event has been published again
        if message.data.startswith(b"{") and "error" not in orjson.loads(message.data):
            acks.take(int(number))
        else:
            acks.over.set()  # refused, or there is no stream: the rest need not be waited for


class _Acks:
    """Which events of one batch the stream has.

    The library waits for each acknowledgement with a task, a future and a timer of its own: half of what the worker
    would do.
    """

    _numbers = itertools.count()

    def __init__(self, expected: int) -> None:
        self.number = next(self._numbers)
        self.over = asyncio.Event()
        self._missing = set(range(expected))
        self._expected = expected

    def take(self, number: int) -> None:
        """This one is in."""
        self._missing.discard(number)
        if not self._missing:
            self.over.set()

    @property
    def without_gap(self) -> int:
        """How many from the first one on."""
        return min(self._missing, default=self._expected)


class NatsConsumer:
    """A durable place in the stream."""

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

    async def join(self, context: JetStreamContext) -> None:
        """Take the place, where it was left or at the beginning."""
        await context.add_consumer(self._stream, self._config)
        self._pull = await context.pull_subscribe_bind(consumer=self._durable, stream=self._stream)
        self._context = context

    async def rewind(self) -> None:
        """Begin again with the oldest event there is.

        Raises:
            UnavailableError: the stream does not answer; nothing is promised about the place.
        """
        if self._context is None:
            raise UnavailableError("no stream yet")
        try:
            with contextlib.suppress(NotFoundError):
                await self._context.delete_consumer(self._stream, self._durable)
            await self.join(self._context)
        except _FAILURES as error:
            raise UnavailableError(str(error)) from error

    @asynccontextmanager
    async def fetch(self, limit: int) -> AsyncIterator["Delivery"]:
        """Some events; inside the block, say of each whether it is done.

        Raises:
            UnavailableError: the stream does not answer.
        """
        if self._pull is None:
            raise UnavailableError("no stream yet")
        try:
            messages = await self._pull.fetch(limit, timeout=FETCH_WAIT_S)
        except (nats.errors.TimeoutError, TimeoutError):
            messages = []
        except _FAILURES as error:
            raise UnavailableError(str(error)) from error
        yield Delivery(messages)


class Delivery:
    """Events that were handed out and wait to be acknowledged."""

    def __init__(self, messages: list[Msg]) -> None:
        self._messages = messages
        self.events = [message.data for message in messages]

    async def settle(self, done: Sequence[bool]) -> None:
        """Acknowledge what is done; the rest comes again a little later.

        Raises:
            UnavailableError: the connection is gone; everything comes again.
        """
        try:
            for message, is_done in zip(self._messages, done, strict=True):
                if is_done:
                    await message.ack()
                else:
                    await message.nak(delay=RETRY_DELAY_S)
        except _FAILURES as error:
            raise UnavailableError(str(error)) from error
