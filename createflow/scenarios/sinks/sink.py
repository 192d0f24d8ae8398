"""The protocols of sinks: what checks and the verification of a load ask of each kind.

Every method that reads raises the exception of the engine's client when the sink does not answer, one of
``registry.FAILURES``, and Inconclusive when it shows more than is read, or what no engine of its kind shows.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

Row = dict[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""A time before every write."""


class Sink(Protocol):
    """A connection to one sink."""

    @property
    def address(self) -> str:
        """Host and port, without credentials."""

    async def open(self) -> Any:
        """Connect, so that a wrong address is found before the first use."""

    async def close(self) -> None:
        """Close the connections."""


class Rows(Sink, Protocol):
    """A table of resources."""

    async def by_id(self, resource_id: str) -> list[Row]:
        """The rows of a resource."""

    async def by_name(self, name: str) -> list[Row]:
        """The rows with this name. Raises NotDeclared when the profile has no such query."""

    async def by_creators(self, creators: Sequence[str], since: datetime) -> list[Row]:
        """The rows that one of these subjects created since then. Raises NotDeclared without such a query."""


class Primary(Rows, Protocol):
    """The database that the write commits to."""


class AuditTrail(Rows, Protocol):
    """The audit entries: who did what, and when."""

    has_changes: bool
    """Updates and deletes have entries as well."""

    async def by_actor(self, actor: str) -> list[Row]:
        """The entries of a subject. Raises NotDeclared when the profile has no such query."""


class Replica(Rows, Protocol):
    """One copy of the primary."""

    name: str


class Replicas(Protocol):
    """All configured replicas."""

    def each(self) -> Sequence[Replica]:
        """In the order of the profile."""


class Page(NamedTuple):
    """Some rows of one query."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class IndexedDocument(NamedTuple):
    """One hit of a search."""

    id: str
    name: str
    """In the field that holds it as one word; empty if that was not asked for."""
    source: Row | None
    """The document; ``None`` when the index does not keep it."""


class PagedRows(Protocol):
    """A database, read in pages: what it holds of a whole load is never in memory at once, on either side.

    Each call uses a connection of its own, so that none is held during the load.
    """

    async def now(self) -> datetime:
        """The database's own time: no later write has an earlier one."""

    def pages(self, query: str, values: Mapping[str, Any]) -> AsyncIterator[Page]:
        """The rows of one query."""

    def pages_by_ids(self, query: str, ids: Iterable[Sequence[str]]) -> AsyncIterator[Page]:
        """The rows about these resources: one query for each batch of ids, which it takes as ``%(ids)s``."""


class Table(AuditTrail, Replica, PagedRows, Protocol):
    """Everything that an engine of rows provides."""


class Cache(Sink, Protocol):
    """The cache in front of the database."""

    async def value(self, resource_id: str) -> Row | None:
        """The cached representation; ``None`` when there is none."""

    async def keys_holding(self, text: str) -> list[str]:
        """Keys whose value contains the text. Raises NotDeclared when the cache has too many keys to scan."""


EventKind = Literal["created", "updated", "deleted", ""]
"""What an event tells; empty when the profile does not say how to know."""


class Event(Protocol):
    """One received event."""

    @property
    def id(self) -> str:
        """The event's own id, or its position in the stream."""

    @property
    def resource(self) -> Row:
        """The representation inside the event."""

    @property
    def kind(self) -> EventKind:
        """What it tells, where the profile says how to know."""

    @property
    def text(self) -> str:
        """The whole event."""

    @property
    def envelope(self) -> Mapping[str, Any]:
        """What the event tells beside the resource, by the names of ``sinks.events.envelope``."""


class EventLog(Sink, Protocol):
    """Every event since it was opened."""

    def of(self, resource_id: str) -> Sequence[Event]:
        """The events about a resource in order, one for each event id: a redelivery is no second event."""

    def mentioning(self, text: str) -> Sequence[Event]:
        """The events that contain the text anywhere."""

    def all(self) -> Sequence[Event]:
        """Every event, redelivered ones too, in the order in which they came."""

    def tells(self, kind: EventKind) -> bool:
        """Whether events of this kind can be told from others."""


class PublishedEvent(NamedTuple):
    """One event of a stream as it was published."""

    data: bytes
    message_id: str | None = None
    """The broker's id of the message, when the publisher gave one."""
    subject: str = ""
    """Its subject, topic or routing key."""
    headers: Mapping[str, str] = MappingProxyType({})
    """As the broker gives them."""
    position: str = ""
    """In the stream."""


class EventReplay(Protocol):
    """The events after a position of a stream. Each call of ``pages`` continues where the last one stopped."""

    def pages(self) -> AsyncIterator[list[PublishedEvent]]:
        """All events that are in the stream now and were not read before.

        Raises:
            NotDeclared: the stream has dropped events after the position.
        """

    async def rewind(self) -> None:
        """Begin again at the position: the next call of ``pages`` gives everything once more."""

    async def close(self) -> None:
        """Close the connection."""


EventSeen = Callable[[tuple[bytes, ...], float], Awaitable[bool]]
"""Whether an event that contains one of the texts arrives within so many seconds."""


class EventWatch(Protocol):
    """Waits for single events under load. It receives only what is published while it watches."""

    async def open(self) -> Any:
        """Connect, so that the first watch does not include it."""

    async def close(self) -> None:
        """Close the connection."""

    def watching(self) -> AbstractAsyncContextManager[EventSeen]:
        """Enter before the create: every event from then on is seen by the function that this yields."""


class EventStream(EventLog, Protocol):
    """Everything that an engine of events provides."""

    async def begin_replay(self) -> EventReplay:
        """The events from now on, to be read later. A stream that keeps its events has no connection meanwhile.

        Raises:
            NotDeclared: the stream does not keep events once they are consumed, so they cannot be counted later.
        """

    def watch(self) -> EventWatch:
        """A watch with a connection of its own."""


class SearchIndex(Sink, Protocol):
    """The search engine."""

    max_batch: int
    """So many names or ids may be searched at once."""

    async def document(self, resource_id: str) -> Row | None:
        """The indexed document of a resource."""

    async def found(self, field: str, text: str) -> list[Row]:
        """The documents that a search for the text in a field finds, ten at most."""

    async def with_names(self, names: Sequence[str]) -> list[str]:
        """The name of each document that has one of these names, once for each document.

        Raises:
            NotDeclared: the profile does not name the field that holds the name as one word.
        """

    async def with_ids(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that have a document."""

    async def documents(self, names_or_ids: Sequence[str], *, by_name: bool) -> list[IndexedDocument]:
        """Every document with one of these names or ids.

        Raises:
            NotDeclared: names are asked for, and the profile does not name the field that holds the name as one word.
        """
