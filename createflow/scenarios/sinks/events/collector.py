"""Keeps the events of a run for the checks, within bounds."""

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.events.shape import EventReader, ReadEvent
from createflow.scenarios.sinks.sink import EventKind, PublishedEvent

MOST_EVENTS = 200_000
MOST_BYTES = 64 * 1024 * 1024
"""Of all events together."""
MOST_EVENT_BYTES = 4 * 1024 * 1024


class EventCollector:
    """What an engine receives in the background, by resource.

    Args:
        reader: of the stream's events.
        name: of the stream, for messages.
    """

    def __init__(self, reader: EventReader, name: str) -> None:
        self._reader = reader
        self._name = name
        self._events: list[ReadEvent] = []
        self._by_resource: dict[str, dict[str, ReadEvent]] = {}
        self._received_bytes = 0
        self.beyond = ""
        """Why not all events are kept; empty as long as they are."""

    def add(self, event: PublishedEvent) -> None:
        """Keep one more event."""
        self._received_bytes += len(event.data)
        if len(event.data) > MOST_EVENT_BYTES:
            self.beyond = f"the stream has an event of more than {MOST_EVENT_BYTES} bytes: too long to read"
        elif len(self._events) >= MOST_EVENTS or self._received_bytes > MOST_BYTES:
            self.beyond = f"the stream has more than {MOST_EVENTS} events or {MOST_BYTES} bytes: too many to keep"
        if self.beyond:
            self._events.clear()
            self._by_resource.clear()
            return
        read = self._reader.read(event)
        self._events.append(read)
        if read.resource_id is not None and read.is_counted:
            self._by_resource.setdefault(read.resource_id, {}).setdefault(read.id, read)

    def of(self, resource_id: str) -> list[ReadEvent]:
        """The events about a resource in order, one for each event id: a redelivery is no second event."""
        self._require_all()
        found = list(self._by_resource.get(resource_id, {}).values())
        if not found and (wrong := self._reader.wrong_mapping) is not None:
            raise wrong
        return found

    def mentioning(self, text: str) -> list[ReadEvent]:
        """The events that contain the text anywhere."""
        self._require_all()
        wanted = text.encode("utf-8", "replace")
        return [event for event in self._events if wanted in event.data]

    def all(self) -> list[ReadEvent]:
        """Every event, redelivered ones too, in the order in which they came."""
        self._require_all()
        return list(self._events)

    def tells(self, kind: EventKind) -> bool:
        """Whether events of this kind can be told from others."""
        return self._reader.tells(kind)

    def _require_all(self) -> None:
        """Nothing can be said from a part of the events: one that is missing may be among the others."""
        if self.beyond:
            raise Inconclusive(self.beyond)


class CollectedEvents:
    """Base of the streams whose events a collector keeps: the part of EventLog that reads."""

    _events: EventCollector

    def of(self, resource_id: str) -> list[ReadEvent]:
        """The events about a resource in order, one for each event id: a redelivery is no second event."""
        return self._events.of(resource_id)

    def mentioning(self, text: str) -> list[ReadEvent]:
        """The events that contain the text anywhere."""
        return self._events.mentioning(text)

    def all(self) -> list[ReadEvent]:
        """Every event, redelivered ones too, in the order in which they came."""
        return self._events.all()

    def tells(self, kind: EventKind) -> bool:
        """Whether events of this kind can be told from others."""
        return self._events.tells(kind)
