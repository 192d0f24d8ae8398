"""How each kind of sink is read to find the writes of a run: rows, audit entries, events, index documents."""

import json
from array import array
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Protocol, TypeVar

from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.sink import EventReplay, PagedRows, Rows
from createflow.scenarios.sinks.sink import SearchIndex as Index
from createflow.scenarios.text.json_pointer import value_at
from createflow.scenarios.verification.observed import Observed, ResourceIds
from createflow.schemas.profile_sinks import EventSink as EventSection
from createflow.schemas.profile_sinks import SqlSink

_IDS_PER_QUERY = 5_000
_SHOWN_CHARACTERS = 80

Item = TypeVar("Item")


class WriteSink(Protocol):
    """A sink in which every accepted create must be found."""

    name: str
    """The name in the report."""
    deadline_s: float
    """How long after the last reply a write may be missing."""
    limitation: str
    """What cannot be checked in this sink, and why; empty if everything can."""

    async def read(self) -> Observed:
        """What the sink shows now.

        Raises:
            NotDeclared: it cannot be read, now or later. Any other error means that it does not answer.
        """

    async def close(self) -> None:
        """Close the connections."""


class RowSink:
    """The primary or a replica: one query, read in pages, for the common start of the names.

    Every read sees the whole table again, because a row may also disappear.
    """

    limitation = ""

    def __init__(
        self,
        name: str,
        rows: PagedRows,
        query: str,
        *,
        writes: Writes,
        since: datetime,
        deadline_s: float,
        ids: ResourceIds | None = None,
    ) -> None:
        """Prepare the query.

        Args:
            name: the name in the report.
            rows: the table.
            query: the profile's ``by_run``.
            writes: the creates of the run.
            since: start of the run, on the clock of the database.
            deadline_s: how long a row may be missing.
            ids: filled from the rows; only for the primary.
        """
        self.name = name
        self.deadline_s = deadline_s
        self._rows = rows
        self._query = query
        self._values = {"prefix": writes.prefix, "since": since}
        self._writes = writes
        self._ids = ids

    async def read(self) -> Observed:
        """All rows of the run."""
        observed = Observed(self._writes)
        async for page in self._rows.pages(self._query, self._values):
            for resource_id, name, *_ in page:
                k = observed.add_name(str(name))
                if k is not None and self._ids is not None:
                    self._ids.add(str(resource_id), k)
        if self._ids is not None:
            self._ids.is_complete = True
        return observed

    async def close(self) -> None:
        """Do nothing: no connection is kept between reads."""


class AuditSink:
    """The audit trail: entries about the resources of the run, and entries by its principals about unknown resources.

    A resource is looked up until it has an entry.
    """

    name = "audit"

    def __init__(
        self,
        rows: PagedRows,
        section: SqlSink,
        *,
        writes: Writes,
        ids: ResourceIds,
        since: datetime,
        deadline_s: float,
        primary: Rows,
        actors: Sequence[str] = (),
    ) -> None:
        """Prepare the queries.

        Args:
            rows: the audit table.
            section: its queries.
            writes: the creates of the run.
            ids: the resource of each arrival.
            since: start of the run, on the clock of the database.
            deadline_s: how long an entry may be missing.
            primary: to check whether a resource exists.
            actors: subjects that only this run uses, so every entry by them is from this run.
        """
        self.deadline_s = deadline_s
        self._rows = rows
        self._by_ids = section.by_ids or ""
        self._by_actors = section.by_actors if actors else None
        reason = "no by_actors query" if section.by_actors is None else "the run has no subjects of its own"
        self.limitation = "" if self._by_actors else f"entries about creates that never happened: {reason}"
        self._values = {"actors": list(actors), "since": since}
        self._ids = ids
        self._primary = primary
        self._observed = Observed(writes)

    async def read(self) -> Observed:
        """The entries that were not found before."""
        observed = self._observed
        observed.unsearchable = self._ids.unknown()
        pending = _batched(((one, k) for one, k in self._ids.of_arrivals() if not observed.counts[k]), _IDS_PER_QUERY)
        arrivals: dict[str, int] = {}

        def id_batches() -> Iterator[list[str]]:
            """The ids of each batch; ``arrivals`` holds those of the current one while its rows are read."""
            for batch in pending:
                arrivals.clear()
                arrivals.update(batch)
                yield list(arrivals)

        async for page in self._rows.pages_by_ids(self._by_ids, id_batches()):
            for resource_id, *_ in page:
                if (k := arrivals.get(str(resource_id))) is not None:
                    observed.add(k)
        if self._by_actors is not None:
            await self._find_unexpected(self._rows.pages(self._by_actors, self._values))
        return observed

    async def close(self) -> None:
        """Close the connection to the primary."""
        await self._primary.close()

    async def _find_unexpected(self, pages: AsyncIterator[list[tuple[Any, ...]]]) -> None:
        known = {resource_id for resource_id, _ in self._ids.all()}
        self._observed.unexpected = 0
        self._observed.unexpected_examples.clear()
        async for page in pages:
            for resource_id, *_ in page:
                # A create that was committed after the primary was read has its row by now.
                if str(resource_id) not in known and not await self._primary.by_id(str(resource_id)):
                    self._observed.add_unexpected(
                        f"an entry about resource {resource_id!s:.{_SHOWN_CHARACTERS}}, which the primary does not have"
                    )


class EventSink:
    """The event stream: each create must have one event id, however often its event was delivered.

    Every read continues where the last one ended.
    """

    name = "events"

    def __init__(
        self, replay: EventReplay, section: EventSection, name_field: str, *, writes: Writes, deadline_s: float
    ) -> None:
        self.deadline_s = deadline_s
        self._replay = replay
        self._section = section
        self._name_field = name_field
        self._observed = Observed(writes)
        # A 64-bit hash of the event id of each arrival, because a million ids as text need much more memory.
        self._id_hashes = array("q", bytes(8 * len(writes.outcomes)))
        self._has_only_creates = section.created_subject is not None or Outcome.OTHER not in writes.outcomes
        self.limitation = "" if self._has_only_creates else "duplicates: no created_subject, and the load also updates"
        self._without_name = 0
        self._without_id = 0

    async def read(self) -> Observed:
        """All events since the start of the load.

        Raises:
            NotDeclared: no event carries the name that identifies its arrival.
        """
        async for page in self._replay.pages():
            for data, message_id in page:
                self._add(data, message_id)
        if self._without_name and not any(self._observed.counts):
            raise NotDeclared(f"the events have no name at {self._section.resource}/{self._name_field}")
        return self._observed

    async def close(self) -> None:
        """Close the connection to the stream."""
        await self._replay.close()

    def _add(self, data: bytes, message_id: str | None) -> None:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = None
        resource = value_at(event, self._section.resource)
        name = resource.get(self._name_field) if isinstance(resource, dict) else None
        if not isinstance(name, str):
            self._without_name += 1
            return
        k = self._observed.writes.arrival_of(name)
        if k is None or k < 0:
            self._observed.add_name(name)  # a replay returns no event twice
            return
        event_id = value_at(event, self._section.event_id) or message_id
        # An event without an id counts as different from every other event.
        self._without_id += event_id is None
        id_hash = hash(self._without_id if event_id is None else str(event_id)) or 1
        if self._id_hashes[k] == 0 or (self._id_hashes[k] != id_hash and self._has_only_creates):
            self._id_hashes[k] = id_hash
            self._observed.add(k)


class IndexSink:
    """The search index. Each arrival, also a refused one, is searched for until it is found.

    The search is by name, or by id if the profile names no keyword field. By id, duplicates and unexpected documents
    cannot be found.
    """

    name = "search"

    def __init__(self, index: Index, *, by_name: bool, writes: Writes, ids: ResourceIds, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self._index = index
        self._by_name = by_name
        self.limitation = "" if by_name else "duplicates and unexpected documents: no name_keyword"
        self._writes = writes
        self._ids = ids
        self._observed = Observed(writes)

    async def read(self) -> Observed:
        """The documents that were not found before."""
        await (self._search_names() if self._by_name else self._search_ids())
        return self._observed

    async def close(self) -> None:
        """Close the connections."""
        await self._index.close()

    async def _search_names(self) -> None:
        observed = self._observed
        pending = (self._writes.name_of(k) for k, count in enumerate(observed.counts) if not count)
        for names in _batched(pending, self._index.max_batch):
            for name in await self._index.with_names(names):
                observed.add_name(name)

    async def _search_ids(self) -> None:
        observed = self._observed
        observed.unsearchable = self._ids.unknown()
        pending = ((one, k) for one, k in self._ids.of_arrivals() if not observed.counts[k])
        for batch in _batched(pending, self._index.max_batch):
            arrivals = dict(batch)
            for resource_id in await self._index.with_ids(list(arrivals)):
                if (k := arrivals.get(resource_id)) is not None and not observed.counts[k]:
                    observed.add(k)


def _batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of this size, made one at a time; the last may be shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
