"""An audit trail that is a stream: entries are events, or lines of a log file."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Self

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.copy_problem import CREATE_WORDS, tells
from createflow.scenarios.sinks.events.collector import MOST_BYTES, MOST_EVENTS
from createflow.scenarios.sinks.events.shape import EventReader
from createflow.scenarios.sinks.sink import EventReplay, EventStream, Page, PublishedEvent, Row
from createflow.scenarios.sinks.unsearchable import FoundByIds
from createflow.schemas.profile_sinks import EventShape, LogFileSink

_ID_COLUMN = "the entry's resource"
"""Before the fields. No entry has such a name."""


def shape_of_log(section: LogFileSink) -> EventShape:
    """The shape of the lines of a log file."""
    shape = EventShape(resource=section.resource, id=section.id, fields=section.fields)
    return shape_of_entries(shape)


def shape_of_entries(section: EventShape) -> EventShape:
    """The shape of events that are entries: the whole of each is the entry, unless the profile says otherwise."""
    place = section.id if section.id is not None else section.fields.get("resource_id", "/resource_id")
    changed: dict[str, Any] = {"id": place, "fields": {"resource_id": place, **section.fields}}
    if "resource" not in section.model_fields_set:
        changed["resource"] = ""
    return section.model_copy(update=changed)


class EventTrail(FoundByIds):
    """Fills Table, as an audit trail. Entries count from the moment at which it was opened.

    Args:
        stream: of the entries.
        shape: of an entry, as ``shape_of_entries`` makes it.
        key: of the section, for messages.
        has_changes: updates and deletes have entries as well.
        is_once: an entry has an id of its own, by which a redelivery is known.
    """

    name = "the audit trail"

    def __init__(
        self, stream: EventStream, shape: EventShape, *, key: str, has_changes: bool, is_once: bool = True
    ) -> None:
        self._stream = stream
        self._reader = EventReader(shape, key=key)
        self.has_changes = has_changes
        self._is_once = is_once
        self._replay: EventReplay | None = None
        self._lock = asyncio.Lock()
        self._entries: dict[str, list[Row]] = {}
        self._known: set[str] = set()
        self._count = 0
        self._bytes = 0

    @property
    def address(self) -> str:
        """Where the stream is."""
        return self._stream.address

    async def open(self) -> Self:
        """Entries from now on count."""
        if self._replay is None:
            self._replay = await self._stream.begin_replay()
        return self

    async def close(self) -> None:
        """Read no more."""
        replay, self._replay = self._replay, None
        if replay is not None:
            await replay.close()

    async def by_id(self, resource_id: str) -> list[Row]:
        """The entries about a resource. Raises WrongMapping where no entry says what it is about."""
        await self._read()
        found = self._entries.get(resource_id, [])
        if not found and (wrong := self._reader.wrong_mapping) is not None:
            raise wrong
        return list(found)

    async def by_actor(self, actor: str) -> list[Row]:
        """The entries of a subject since the beginning."""
        await self._read()
        return [entry for entries in self._entries.values() for entry in entries if entry.get("actor") == actor]

    async def pages(self, query: Any, values: Mapping[str, Any]) -> AsyncIterator[Page]:
        """Nothing is found by a query."""
        del query, values
        if self.name:
            raise NotDeclared(f"{self.name} has no queries")
        yield Page((), [])  # makes it a generator

    async def pages_by_ids(self, query: Any, ids: Iterable[Sequence[str]]) -> AsyncIterator[Page]:
        """The entries about creates of these resources: id, and the fields."""
        del query
        await self._read()
        for batch in ids:
            for one in batch:
                for entry in self._entries.get(one, []):
                    if "action" not in entry or tells(str(entry["action"]).lower(), CREATE_WORDS):
                        yield Page((_ID_COLUMN, *entry), [(one, *entry.values())])

    async def _read(self) -> None:
        async with self._lock:
            if self._replay is None:
                raise Inconclusive(f"{self.name} was not read from the beginning")
            async for page in self._replay.pages():
                for event in page:
                    self._add(event)

    def _add(self, event: PublishedEvent) -> None:
        self._count, self._bytes = self._count + 1, self._bytes + len(event.data)
        if self._count > MOST_EVENTS or self._bytes > MOST_BYTES:
            raise Inconclusive(f"{self.name} has more than {MOST_EVENTS} entries or {MOST_BYTES} bytes: too many")
        read = self._reader.read(event)
        if read.resource_id is None or not read.is_counted:
            return
        if self._is_once and read.has_own_id:
            if read.id in self._known:
                return
            self._known.add(read.id)
        self._entries.setdefault(read.resource_id, []).append(read.resource)
