"""The shape of an event: where its id, its resource and its envelope are, as the profile says."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.sinks.mapping import WrongMapping, missing_place
from createflow.scenarios.sinks.sink import EventKind, PublishedEvent, Row
from createflow.scenarios.text.json_pointer import has_value_at, value_at
from createflow.schemas.profile_sinks import EventShape, EventSink

_CE_HEADER = re.compile(r"^(?:ce[-_]|cloudevents[:_])", re.IGNORECASE)
"""The binary mode: ``ce-`` in HTTP and NATS, ``ce_`` in Kafka, ``cloudEvents:`` and ``cloudEvents_`` in AMQP."""


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """Fills the protocol Event."""

    id: str
    resource: Row
    data: bytes
    kind: EventKind = ""
    envelope: Mapping[str, Any] = field(default_factory=dict)
    resource_id: str | None = None
    """The resource that it is about; ``None`` where it does not say."""
    is_counted: bool = True
    """Its type is one of those that the profile names, or the profile names none."""
    has_own_id: bool = True
    """The id is its own, and not its position."""
    document: Any = None
    """The whole event."""

    @property
    def text(self) -> str:
        """The whole event as it was published."""
        return self.data.decode("utf-8", "replace")


class EventReader:
    """Reads events of one stream.

    Args:
        section: the profile's.
        id_field: the key of the resource's id in the representation.
        key: of the section, for messages.
    """

    def __init__(self, section: EventShape, id_field: str = "id", *, key: str = "sinks.events") -> None:
        self._section = section
        self._fields = tuple(section.fields.items())
        self._envelope = tuple(section.envelope.items())
        self._key = key
        self._id_pointer = section.id if section.id is not None else f"{section.resource}/{id_field}"
        types: list[tuple[EventKind, tuple[str, ...]]] = [
            ("created", section.created_types),
            ("updated", section.updated_types),
            ("deleted", section.deleted_types),
        ]
        self._kinds: dict[str, EventKind] = {one: kind for kind, names in types for one in names}
        self._subjects = _subject_kinds(section)
        self._has_met_id = False
        self._strange: Any = None
        """A document without an id at its place."""

    @property
    def wrong_mapping(self) -> WrongMapping | None:
        """What to raise where no event so far had an id where the profile says, and one was without; else ``None``."""
        if self._has_met_id or self._strange is None:
            return None
        resource = self._section.resource
        if not has_value_at(self._strange, resource):
            return missing_place(f"{self._key}.resource", resource, self._strange)
        return missing_place(f"{self._key}.id", self._id_pointer, self._strange)

    def tells(self, kind: EventKind) -> bool:
        """Whether events of this kind can be told from others."""
        return kind in self._kinds.values() or any(kind == known for known, _ in self._subjects)

    def read(self, event: PublishedEvent) -> ReadEvent:
        """What one event says."""
        document = self._document(event)
        kind = self._kind(event, document)
        resource = self._resource(document, kind)
        if not isinstance(resource, dict):
            resource = {}
        for name, pointer in self._fields:
            resource = {key: value for key, value in resource.items() if key != name}
            if has_value_at(document, pointer):
                resource[name] = value_at(document, pointer)
        resource_id = value_at(document, self._place(self._id_pointer, kind))
        if resource_id is None and self._section.id is None:
            resource_id = resource.get(self._id_pointer.rpartition("/")[2])
        is_counted = not self._kinds or kind != ""
        if resource_id is not None:
            self._has_met_id = True
        elif is_counted and isinstance(document, dict):
            self._strange = document
        own_id = value_at(document, self._section.event_id)
        return ReadEvent(
            id=f"#{event.position}" if own_id is None else str(own_id),
            resource=resource,
            data=event.data,
            kind=kind,
            envelope={name: value_at(document, place) for name, place in self._envelope},
            resource_id=None if resource_id is None or isinstance(resource_id, (dict, list)) else str(resource_id),
            is_counted=is_counted,
            has_own_id=own_id is not None,
            document=document,
        )

    def _document(self, event: PublishedEvent) -> Any:
        try:
            document = json.loads(event.data)
        except (ValueError, RecursionError):
            document = None
        if self._section.format == "cloudevents":
            attributes = {
                _CE_HEADER.sub("", name).lower(): value
                for name, value in event.headers.items()
                if _CE_HEADER.match(name)
            }
            if "id" in attributes:
                # CloudEvents 1.0, binary content mode: attributes in headers, and the data alone in the body.
                return {**attributes, "data": document}
        return document

    def _kind(self, event: PublishedEvent, document: Any) -> EventKind:
        place = self._section.type
        if place is None or not self._kinds:
            return next((kind for kind, pattern in self._subjects if pattern.fullmatch(event.subject)), "")
        if place == "@subject":
            told: Any = event.subject
        elif place.startswith("@header:"):
            wanted = place.partition(":")[2].lower()
            told = next((value for name, value in event.headers.items() if name.lower() == wanted), None)
        else:
            told = value_at(document, place)
        return self._kinds.get(str(told), "")

    def _resource(self, document: Any, kind: EventKind) -> Any:
        return value_at(document, self._place(self._section.resource, kind))

    def _place(self, pointer: str, kind: EventKind) -> str:
        """Debezium shows what a delete removed before it, and nothing after."""
        if kind == "deleted" and self._section.format.startswith("debezium"):
            return pointer.replace("/after", "/before", 1)
        return pointer


def _subject_kinds(section: EventShape) -> list[tuple[EventKind, re.Pattern[str]]]:
    if not isinstance(section, EventSink):
        return []
    filters: list[tuple[EventKind, str | None]] = [
        ("created", section.created_subject),
        ("updated", section.updated_subject),
        ("deleted", section.deleted_subject),
    ]
    return [(kind, _subject_pattern(subject)) for kind, subject in filters if subject]


def _subject_pattern(subject: str) -> re.Pattern[str]:
    """A filter of NATS's subjects as a pattern: ``*`` is one token, ``>`` at the end one or more."""
    wildcards = {"*": r"[^.]+", ">": r".+"}
    return re.compile(r"\.".join(wildcards.get(part, re.escape(part)) for part in subject.split(".")))
