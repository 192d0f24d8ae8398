"""Every event of a JetStream stream since the run started, gathered in the background."""

import json
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import DeliverPolicy

from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.profile import EventSink


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """Fills the role Event."""

    id: str
    document: dict[str, Any]
    resource: dict[str, Any]
    text: str


class NatsEvents:
    """Fills the role EventLog with an ordered consumer, which leaves nothing behind on the server."""

    def __init__(self, sink: EventSink, id_field: str) -> None:
        self._sink = sink
        self._id_field = id_field
        self._client: Client | None = None
        self._events: list[ReceivedEvent] = []
        self._by_resource: dict[str, dict[str, ReceivedEvent]] = {}

    @property
    def address(self) -> str:
        """Where it is, without credentials."""
        return urlsplit(self._sink.url.get_secret_value()).netloc.rpartition("@")[2]

    async def open(self) -> Self:
        """Listen from now on."""
        self._client = await nats.connect(
            self._sink.url.get_secret_value(),
            name="createflow run",
            connect_timeout=3,
            max_reconnect_attempts=-1,
            allow_reconnect=True,
            error_cb=_ignore,
        )
        await self._client.jetstream().subscribe(
            self._sink.subject,
            stream=self._sink.stream,
            cb=self._receive,
            ordered_consumer=True,
            deliver_policy=DeliverPolicy.NEW,
        )
        return self

    async def close(self) -> None:
        """Stop listening."""
        if self._client is not None:
            await self._client.close()

    def of(self, resource_id: str) -> list[ReceivedEvent]:
        """The events about a resource, one for each event id, in order: a redelivery is no second event."""
        return list(self._by_resource.get(resource_id, {}).values())

    def mentioning(self, text: str) -> list[ReceivedEvent]:
        """The events that contain the text anywhere."""
        return [event for event in self._events if text in event.text]

    async def _receive(self, message: Msg) -> None:
        try:
            document = json.loads(message.data)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            document = {}
        resource = value_at(document, self._sink.resource)
        resource = resource if isinstance(resource, dict) else {}
        event_id = value_at(document, self._sink.event_id)
        event = ReceivedEvent(
            # An event without an id of its own is told apart by its place in the stream.
            id=str(event_id) if event_id is not None else f"#{message.metadata.sequence.stream}",
            document=document,
            resource=resource,
            text=message.data.decode("utf-8", "replace"),
        )
        self._events.append(event)
        resource_id = resource.get(self._id_field)
        if resource_id is not None:
            self._by_resource.setdefault(str(resource_id), {}).setdefault(event.id, event)


async def _ignore(_: Exception) -> None:
    """The client reconnects by itself; a missing event is what tells."""
