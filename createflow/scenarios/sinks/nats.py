"""NATS JetStream: the event stream, read-only.

Three ways to read it: all events while checks run (an ordered consumer), all events after a load (a replay), and
single events during a load (a watch). Consumers are short-lived and in memory; the server forgets them.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy
from nats.js.errors import Error as JetStreamError

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.sink import EventKind, EventSeen, PublishedEvent
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.profile_sinks import EventSink

REPLAY_PAGE_EVENTS = 1_000
_REPLAY_TIMEOUT_S = 5.0
_REPLAY_CONSUMER_KEPT_S = 60.0
"""The server deletes a consumer that was not used for this long."""
_WATCH_PAGE_EVENTS = 500
_WATCH_CONSUMER_KEPT_S = 10.0
_WATCH_CONNECT_ATTEMPTS = 10
_MOST_EVENTS = 200_000
_MOST_BYTES = 64 * 1024 * 1024
"""Of all events that are kept while checks run, and of one page of a replay."""
_MOST_EVENT_BYTES = 4 * 1024 * 1024
_STATUS_HEADER = "Status"
_DESCRIPTION_HEADER = "Description"
_MESSAGE_ID_HEADER = "Nats-Msg-Id"
_FAILURES = (nats.errors.Error, JetStreamError, TimeoutError, OSError)


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
            error_cb=_ignore,
        )
        await self._client.jetstream().subscribe(
            self._section.subject,
            stream=self._section.stream,
            cb=self._receive,
            ordered_consumer=True,
            deliver_policy=DeliverPolicy.NEW,
        )
        return self

    async def close(self) -> None:
        """Receive no more."""
        if self._client is not None:
            await self._client.close()

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
        async with await _connect_once(self._section) as client:
            info = await client.jetstream().stream_info(self._section.stream)
        if info.config.retention not in {None, RetentionPolicy.LIMITS}:
            raise NotDeclared(f"the stream {self._section.stream} drops events once they are consumed")
        return info.state.last_seq

    def replay(self, *, after: int) -> "NatsReplay":
        """The events after a sequence number."""
        return NatsReplay(self._section, after=after)

    def watch(self) -> "NatsWatch":
        """A watch with a connection of its own."""
        return NatsWatch(self._section)

    def _require_all(self) -> None:
        """Nothing can be said from a part of the events: one that is missing may be among the others."""
        if self._beyond:
            raise Inconclusive(self._beyond)

    async def _receive(self, message: Msg) -> None:
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
        except (*_FAILURES, ValueError):
            self._beyond = "the stream has an event without a position: it is none of JetStream's"
            return 0


class NatsReplay:
    """Fills EventReplay with a pull consumer."""

    def __init__(self, section: EventSink, *, after: int) -> None:
        self._section = section
        self._after = after
        """The sequence number of the last event that was read."""
        self._client: Client | None = None
        self._next_subject = ""
        self._inbox = ""
        self._page: asyncio.Queue[Msg] = asyncio.Queue()

    async def close(self) -> None:
        """Close the connection; the server deletes the consumer."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def pages(self) -> AsyncIterator[list[PublishedEvent]]:
        """All events that are in the stream now and were not read before.

        The server itself reports when there are no more, so that the end is not a guess from silence.

        Raises:
            NotDeclared: the stream has dropped events after the position.
        """
        try:
            if self._client is None:
                await self._open()
            has_more = True
            while has_more:
                page, has_more = await self._next_page()
                if page:
                    self._after = page[-1].metadata.sequence.stream
                yield [
                    PublishedEvent(message.data, (message.headers or {}).get(_MESSAGE_ID_HEADER)) for message in page
                ]
        except BaseException:
            await self.close()  # the next call continues after the last whole page
            raise

    async def _open(self) -> None:
        self._client = await _connect_once(self._section)
        info = await self._client.jetstream().stream_info(self._section.stream)
        if info.state.first_seq > self._after + 1:
            raise NotDeclared(f"the stream {self._section.stream} has dropped events since the run began")
        self._next_subject = await _add_consumer(
            self._client,
            self._section,
            DeliverPolicy.BY_START_SEQUENCE,
            kept_s=_REPLAY_CONSUMER_KEPT_S,
            start_sequence=self._after + 1,
        )
        self._inbox = self._client.new_inbox()
        self._page = asyncio.Queue()
        await self._client.subscribe(self._inbox, cb=self._page.put)

    async def _next_page(self) -> tuple[list[Msg], bool]:
        """A page, and whether there may be more."""
        if self._client is None:
            raise nats.errors.ConnectionClosedError
        options = {"batch": REPLAY_PAGE_EVENTS, "no_wait": True, "max_bytes": _MOST_BYTES}
        request = json.dumps(options).encode()
        await self._client.publish(self._next_subject, request, reply=self._inbox)
        page: list[Msg] = []
        while len(page) < REPLAY_PAGE_EVENTS:
            async with asyncio.timeout(_REPLAY_TIMEOUT_S):
                message = await self._page.get()
            if _is_status(message):
                _require_readable(message, page)
                return page, _is_full(message)
            page.append(message)
        return page, True


class NatsWatch:
    """Fills EventWatch with a consumer for each watch, created just before the create that it waits for."""

    def __init__(self, section: EventSink) -> None:
        self._section = section
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def open(self) -> Self:
        """Connect, so that the first watch does not include it."""
        await self._connection()
        return self

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[EventSeen]:
        """Every event from now on is seen by the function that this yields."""
        client = await self._connection()
        next_subject = await _add_consumer(client, self._section, DeliverPolicy.NEW, kept_s=_WATCH_CONSUMER_KEPT_S)
        inbox = client.new_inbox()
        arrived: asyncio.Queue[Msg] = asyncio.Queue()
        subscription = await client.subscribe(inbox, cb=arrived.put)

        async def seen(texts: tuple[bytes, ...], within_s: float) -> bool:
            expires_ns = int((within_s + 1) * 1e9)
            options = {"batch": _WATCH_PAGE_EVENTS, "expires": expires_ns, "max_bytes": _MOST_BYTES}
            request = json.dumps(options).encode()
            try:
                async with asyncio.timeout(within_s):
                    while True:
                        await client.publish(next_subject, request, reply=inbox)
                        for number in range(_WATCH_PAGE_EVENTS):
                            message = await arrived.get()
                            if _contains(message, texts):
                                return True
                            if _is_status(message):
                                _require_readable(message, number)
                                break
            except TimeoutError:
                # Events that arrived in time but were not looked at yet count as seen.
                return any(_contains(arrived.get_nowait(), texts) for _ in range(arrived.qsize()))

        try:
            yield seen
        finally:
            with suppress(*_FAILURES):
                await subscription.unsubscribe()
                await client.jetstream().delete_consumer(self._section.stream, next_subject.rpartition(".")[2])

    async def _connection(self) -> Client:
        async with self._lock:
            if self._client is None:
                self._client = await nats.connect(
                    self._section.url.get_secret_value(),
                    name="createflow bench sampler",
                    connect_timeout=2,
                    max_reconnect_attempts=_WATCH_CONNECT_ATTEMPTS,  # also limits the first connection
                    reconnect_time_wait=0.2,
                    error_cb=_ignore,
                )
            elif self._client.is_closed:
                self._client = None
                raise nats.errors.ConnectionClosedError
            return self._client


async def _connect_once(section: EventSink) -> Client:
    return await nats.connect(
        section.url.get_secret_value(),
        name="createflow bench",
        connect_timeout=3,
        allow_reconnect=False,
        max_reconnect_attempts=1,  # also limits the first connection
        reconnect_time_wait=0.1,
        error_cb=_ignore,
    )


async def _add_consumer(
    client: Client, section: EventSink, policy: DeliverPolicy, *, kept_s: float, start_sequence: int | None = None
) -> str:
    """Create a consumer of creates. Returns the subject on which its next events are requested."""
    consumer = await client.jetstream().add_consumer(
        section.stream,
        ConsumerConfig(
            deliver_policy=policy,
            opt_start_seq=start_sequence,
            ack_policy=AckPolicy.NONE,
            filter_subject=section.created_subject or section.subject,
            inactive_threshold=kept_s,
            mem_storage=True,
        ),
    )
    return f"$JS.API.CONSUMER.MSG.NEXT.{section.stream}.{consumer.name}"


def _subject_pattern(subject: str) -> re.Pattern[str]:
    """A filter of subjects as a pattern: ``*`` is one token, ``>`` at the end one or more."""
    wildcards = {"*": r"[^.]+", ">": r".+"}
    return re.compile(r"\.".join(wildcards.get(part, re.escape(part)) for part in subject.split(".")))


def _contains(message: Msg, texts: tuple[bytes, ...]) -> bool:
    return any(text in message.data for text in texts)


def _is_status(message: Msg) -> bool:
    """The server's own message: no more events now."""
    return bool(message.headers and _STATUS_HEADER in message.headers)


def _is_full(status: Msg) -> bool:
    """The page has as many bytes as were asked for at most, and there may be more."""
    return "maxbytes" in (status.headers or {}).get(_DESCRIPTION_HEADER, "").lower().replace(" ", "")


def _require_readable(status: Msg, page: object) -> None:
    """A page that is full without an event has one that is too long."""
    if _is_full(status) and not page:
        raise Inconclusive(f"the stream has an event of more than {_MOST_BYTES} bytes: too long to read")


async def _ignore(_: Exception) -> None:
    """A failure is raised by the call that needs the connection, or shows as a missing event."""
