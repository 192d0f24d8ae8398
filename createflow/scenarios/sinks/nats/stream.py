"""All events while checks run: an ordered consumer that receives them in the background."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlsplit

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy, RetentionPolicy

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.events.collector import CollectedEvents, EventCollector
from createflow.scenarios.sinks.events.shape import EventReader
from createflow.scenarios.sinks.nats.consumer import FAILURES, connect_once, ignore
from createflow.scenarios.sinks.nats.replay import NatsReplay
from createflow.scenarios.sinks.nats.watch import NatsWatch
from createflow.scenarios.sinks.sink import PublishedEvent
from createflow.schemas.profile_sinks import EventSink

_RESUME_ATTEMPTS = 50
_RESUME_S = 0.2


class NatsStream(CollectedEvents):
    """Fills EventStream. Once open, it receives every event from then on in the background.

    Args:
        section: the profile's ``[sinks.events]``.
        id_field: the key of the resource's id in the representation.
    """

    def __init__(self, section: EventSink, id_field: str) -> None:
        self._section = section
        self._client: Client | None = None
        self._events = EventCollector(EventReader(section, id_field), section.stream)
        self._subscription: JetStreamContext.PushSubscription | None = None
        self._position = 0
        """In the stream, of the last event."""
        self._opened_at = datetime.now(UTC)

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return urlsplit(self._section.url.get_secret_value()).netloc.rpartition("@")[2]

    async def open(self) -> Self:
        """Receive events from now on."""
        self._client = await nats.connect(
            self._section.url.get_secret_value(),
            name="createflow run",
            connect_timeout=3,
            max_reconnect_attempts=-1,
            allow_reconnect=True,
            error_cb=ignore,
            reconnected_cb=self._go_on,
        )
        self._opened_at = datetime.now(UTC)
        await self._subscribe(ConsumerConfig(deliver_policy=DeliverPolicy.NEW))
        return self

    async def close(self) -> None:
        """Receive no more."""
        if self._client is not None:
            await self._client.close()

    async def _subscribe(self, start: ConsumerConfig) -> None:
        assert self._client is not None  # noqa: S101 - it is open
        self._subscription = await self._client.jetstream().subscribe(
            self._section.subject,
            stream=self._section.stream,
            cb=self._receive,
            ordered_consumer=True,
            config=start,
        )

    async def _go_on(self) -> None:
        """After a restart of the broker: it has forgotten the consumer, and nothing would be received any more."""
        for _ in range(_RESUME_ATTEMPTS):
            with suppress(*FAILURES):
                if self._subscription is not None:
                    await self._subscription.unsubscribe()
                    self._subscription = None
                await self._subscribe(self._place())
                return
            await asyncio.sleep(_RESUME_S)
        self._events.beyond = f"the stream {self._section.stream} could not be read any more after its broker was lost"

    def _place(self) -> ConsumerConfig:
        """Where to go on: after the last event, or at the time of the beginning. A repeated event is no second one."""
        if self._position:
            return ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=self._position + 1)
        return ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=self._opened_at)

    async def last_position(self) -> int:
        """The sequence number of the last event in the stream; no connection is kept.

        Raises:
            NotDeclared: the stream does not keep events once they are consumed, so they cannot be counted later.
        """
        async with await connect_once(self._section) as client:
            info = await client.jetstream().stream_info(self._section.stream)
        if info.config.retention not in {None, RetentionPolicy.LIMITS}:
            raise NotDeclared(f"the stream {self._section.stream} drops events once they are consumed")
        return info.state.last_seq

    def replay(self, *, after: int) -> NatsReplay:
        """The events after a sequence number."""
        return NatsReplay(self._section, after=after)

    async def begin_replay(self) -> NatsReplay:
        """The events from now on; no connection is kept."""
        return self.replay(after=await self.last_position())

    def watch(self) -> NatsWatch:
        """A watch with a connection of its own."""
        return NatsWatch(self._section)

    async def _receive(self, message: Msg) -> None:
        with suppress(ValueError, nats.errors.Error):
            self._position = message.metadata.sequence.stream
        self._events.add(
            PublishedEvent(
                message.data,
                subject=message.subject,
                headers=message.headers or {},
                position=str(self._position_of(message)),
            )
        )

    def _position_of(self, message: Msg) -> int:
        try:
            return message.metadata.sequence.stream
        except (*FAILURES, ValueError):
            self._events.beyond = "the stream has an event without a position: it is none of JetStream's"
            return 0
