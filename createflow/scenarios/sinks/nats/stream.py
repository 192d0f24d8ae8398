"""All events while checks run: an ordered consumer that receives them in the background."""

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy, RetentionPolicy

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.nats.consumer import FAILURES, connect_once, ignore
from createflow.scenarios.sinks.nats.replay import NatsReplay
from createflow.scenarios.sinks.nats.watch import NatsWatch
from createflow.scenarios.sinks.sink import EventKind
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.profile_sinks import EventSink

_RESUME_ATTEMPTS = 50
_RESUME_S = 0.2
_MOST_EVENTS = 200_000
_MOST_BYTES = 64 * 1024 * 1024
"""Of all events together."""
_MOST_EVENT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """Fills the protocol Event."""

    id: str
    resource: dict[str, Any]
    text: str
    kind: EventKind = ""
    envelope: Mapping[str, Any] = field(default_factory=dict)


class NatsStream:
    """Fills EventStream. Once open, it receives every event from then on in the background.

    Args:
        section: the profile's ``[sinks.events]``.
        id_field: the key of the resource's id in the representation.
    """

    def __init__(self, section: EventSink, id_field: str) -> None:
        self._section = section
        self._id_field = id_field
        self._client: Client | None = None
        self._events: list[ReceivedEvent] = []
        self._by_resource: dict[str, dict[str, ReceivedEvent]] = {}
        self._subscription: JetStreamContext.PushSubscription | None = None
        self._position = 0
        """In the stream, of the last event."""
        self._opened_at = datetime.now(UTC)
        self._received_bytes = 0
        self._beyond = ""
        """Why not all events are kept; empty as long as they are."""
        filters: list[tuple[EventKind, str | None]] = [
            ("created", section.created_subject),
            ("updated", section.updated_subject),
            ("deleted", section.deleted_subject),
        ]
        self._kinds = [(kind, _subject_pattern(subject)) for kind, subject in filters if subject]

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
        self._beyond = f"the stream {self._section.stream} could not be read any more after its broker was lost"

    def _place(self) -> ConsumerConfig:
        """Where to go on: after the last event, or at the time of the beginning. A repeated event is no second one."""
        if self._position:
            return ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=self._position + 1)
        return ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=self._opened_at)

    def of(self, resource_id: str) -> list[ReceivedEvent]:
        """The events about a resource in order, one for each event id: a redelivery is no second event."""
        self._require_all()
        return list(self._by_resource.get(resource_id, {}).values())

    def mentioning(self, text: str) -> list[ReceivedEvent]:
        """The events that contain the text anywhere."""
        self._require_all()
        return [event for event in self._events if text in event.text]

    def all(self) -> list[ReceivedEvent]:
        """Every event, redelivered ones too, in the order in which they came."""
        self._require_all()
        return list(self._events)

    def tells(self, kind: EventKind) -> bool:
        """Whether events of this kind can be told from others."""
        return any(kind == known for known, _ in self._kinds)

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

    def watch(self) -> NatsWatch:
        """A watch with a connection of its own."""
        return NatsWatch(self._section)

    def _require_all(self) -> None:
        """Nothing can be said from a part of the events: one that is missing may be among the others."""
        if self._beyond:
            raise Inconclusive(self._beyond)

    async def _receive(self, message: Msg) -> None:
        with suppress(ValueError, nats.errors.Error):
            self._position = message.metadata.sequence.stream
        self._received_bytes += len(message.data)
        if len(message.data) > _MOST_EVENT_BYTES:
            self._beyond = f"the stream has an event of more than {_MOST_EVENT_BYTES} bytes: too long to read"
        elif len(self._events) >= _MOST_EVENTS or self._received_bytes > _MOST_BYTES:
            self._beyond = f"the stream has more than {_MOST_EVENTS} events or {_MOST_BYTES} bytes: too many to keep"
        if self._beyond:
            self._events.clear()
            self._by_resource.clear()
            return
        try:
            document = json.loads(message.data)
        except (ValueError, RecursionError):
            document = None
        resource = value_at(document, self._section.resource)
        resource = resource if isinstance(resource, dict) else {}
        event_id = value_at(document, self._section.event_id)
        if event_id is None:
            # An event without an id of its own is identified by its position in the stream.
            event_id = f"#{self._position_of(message)}"
        event = ReceivedEvent(
            id=str(event_id),
            resource=resource,
            text=message.data.decode("utf-8", "replace"),
            envelope={name: value_at(document, place) for name, place in self._section.envelope.items()},
            kind=next((kind for kind, pattern in self._kinds if pattern.fullmatch(message.subject)), ""),
        )
        self._events.append(event)
        resource_id = resource.get(self._id_field)
        if resource_id is not None:
            self._by_resource.setdefault(str(resource_id), {}).setdefault(event.id, event)

    def _position_of(self, message: Msg) -> int:
        try:
            return message.metadata.sequence.stream
        except (*FAILURES, ValueError):
            self._beyond = "the stream has an event without a position: it is none of JetStream's"
            return 0


def _subject_pattern(subject: str) -> re.Pattern[str]:
    """A filter of subjects as a pattern: ``*`` is one token, ``>`` at the end one or more."""
    wildcards = {"*": r"[^.]+", ">": r".+"}
    return re.compile(r"\.".join(wildcards.get(part, re.escape(part)) for part in subject.split(".")))
