"""How each kind of sink counts what it reads."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import pytest
from pydantic import SecretStr

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.sink import EPOCH, IndexedDocument, Page, PublishedEvent
from createflow.scenarios.verification.event_sink import EventSink
from createflow.scenarios.verification.index_sink import IndexSink
from createflow.scenarios.verification.observed import PrimaryNotReadError, ResourceIds
from createflow.scenarios.verification.row_sinks import AuditSink, RowSink
from createflow.schemas import profile_sinks
from tests.scenarios.verification.fakes import writes_of

pytestmark = pytest.mark.anyio
PAGE = 1_000
PAGE_ROWS = 5_000
DSN = SecretStr("postgresql://nobody@127.0.0.1:1/none")


class Table:
    """A table in memory."""

    def __init__(self, *rows: tuple[str, ...]) -> None:
        self.rows = list(rows)
        self.entries: list[str] = []
        self.asked_ids: list[int] = []

    async def pages(self, _query: str, _values: Mapping[str, Any]) -> AsyncIterator[Page]:
        """Two rows in each page."""
        for start in range(0, len(self.rows), 2):
            yield Page(("id", "name"), list(self.rows[start : start + 2]))

    async def pages_by_ids(self, _query: str, ids: Iterable[Sequence[str]]) -> AsyncIterator[Page]:
        """One row for each entry about these resources."""
        for some in ids:
            self.asked_ids.append(len(some))
            wanted = set(some)
            yield Page(("resource_id",), [(entry,) for entry in self.entries if entry in wanted])

    async def close(self) -> None:
        """Do nothing."""


class Primary:
    """Knows which resources exist."""

    def __init__(self, *ids: str) -> None:
        self.ids = set(ids)

    async def by_id(self, resource_id: str) -> list[dict[str, Any]]:
        """One row or none."""
        return [{"id": resource_id}] if resource_id in self.ids else []

    async def close(self) -> None:
        """Do nothing."""


def row_sink(writes: Writes, table: Table, ids: ResourceIds | None = None) -> RowSink:
    """The primary, if it fills the ids."""
    return RowSink(
        "primary",
        table,  # type: ignore[arg-type] # it has what is asked for
        "",
        comparison=None,
        since=EPOCH,
        deadline_s=0,
        ids=ids or ResourceIds(writes),
        gives_ids=ids is not None,
    )


async def test_rows_are_counted_by_name_and_give_the_ids() -> None:
    """Over all pages. A second row of an arrival has an id of its own."""
    writes = writes_of("aaa")
    ids = ResourceIds(writes)
    table = Table(("x", "load ab12 0"), ("p", "load ab12 -1"), ("y", "load ab12 2"), ("z", "load ab12 2"))
    seen = await row_sink(writes, table, ids).read()
    assert (seen.counts, seen.unexpected) == (b"\1\0\2", 0)
    assert (ids.of_arrival, ids.further) == (["x", None, "y"], {"p": -1, "z": 2})
    assert sorted(ids.of_arrivals()) == [("x", 0), ("y", 2), ("z", 2)]


async def test_a_deleted_row_is_missing_in_the_next_read() -> None:
    """Each read sees the whole table again."""
    writes = writes_of("aa")
    table = Table(("x", "load ab12 0"), ("y", "load ab12 1"))
    sink = row_sink(writes, table)
    assert (await sink.read()).counts == b"\1\1"
    table.rows.pop()
    assert (await sink.read()).counts == b"\1\0"


async def known_ids(writes: Writes, *names: str) -> ResourceIds:
    """The resources of the arrivals, in order."""
    ids = ResourceIds(writes)
    await row_sink(writes, Table(*((one, writes.name_of(k)) for k, one in enumerate(names))), ids).read()
    return ids


def audit_sink(table: Table, ids: ResourceIds, *there: str, actors: tuple[str, ...]) -> AuditSink:
    """An audit trail with both queries."""
    queries = profile_sinks.SqlSink(dsn=DSN, by_id="", by_ids="q", by_actors="q")
    return AuditSink(
        table,  # type: ignore[arg-type] # it has what is asked for
        queries,
        comparison=None,
        ids=ids,
        since=EPOCH,
        deadline_s=1,
        primary=Primary(*there),
        actors=actors,
    )


async def test_audit_entries_are_counted_by_the_ids_of_the_rows() -> None:
    """None, one, two. An arrival without a row cannot be searched for."""
    writes = writes_of("aaaa")
    table = Table()
    table.entries = ["x", "y", "y"]
    seen = await audit_sink(table, await known_ids(writes, "w", "x", "y"), actors=()).read()
    assert seen.counts == b"\0\1\2\0"
    assert seen.unsearchable == 1 << 24


async def test_a_second_read_searches_only_for_missing_entries() -> None:
    """In batches of a fixed size."""
    size = PAGE_ROWS + 3
    writes = writes_of("a" * size)
    table = Table()
    sink = audit_sink(table, await known_ids(writes, *map(str, range(size))), actors=())
    table.entries = [str(k) for k in range(size) if k != 7]
    await sink.read()
    assert table.asked_ids == [PAGE_ROWS, 3]
    table.entries.append("7")
    assert (await sink.read()).counts == b"\1" * size
    assert table.asked_ids == [PAGE_ROWS, 3, 1]


async def test_an_entry_about_a_create_that_never_happened_is_unexpected() -> None:
    """If its subject belongs to the run, and no row was committed since the primary was read."""
    writes = writes_of("a")
    table = Table(("x",), ("late",), ("ghost",))
    table.entries = ["x"]
    sink = audit_sink(table, await known_ids(writes, "x"), "late", actors=("load-ab12-0",))
    seen = await sink.read()
    assert (seen.unexpected, seen.unexpected_examples) == (
        1,
        ["an entry about resource ghost, which the primary does not have"],
    )
    assert (await sink.read()).unexpected == 1
    assert sink.limitation == ""


async def test_unexpected_entries_need_subjects_of_the_run() -> None:
    """A token that others use too shows nothing, and the limitation says so."""
    writes = writes_of("a")
    sink = audit_sink(Table(("ghost",)), await known_ids(writes, "x"), actors=())
    assert (await sink.read()).unexpected == 0
    assert sink.limitation == "entries about creates that never happened: the run has no subjects of its own"


async def test_a_search_by_unknown_ids_is_an_error() -> None:
    """An empty result would blame the audit trail for the primary."""
    writes = writes_of("a")
    with pytest.raises(PrimaryNotReadError):
        await audit_sink(Table(), ResourceIds(writes), actors=()).read()


class Stream:
    """Events in memory, one in each page."""

    def __init__(self, *events: Any) -> None:
        self.events = list(events)

    async def pages(self) -> AsyncIterator[list[PublishedEvent]]:
        """The events that were not read before."""
        while self.events:
            event = self.events.pop(0)
            data = event if isinstance(event, bytes) else json.dumps(event).encode()
            yield [PublishedEvent(data, None)]

    async def close(self) -> None:
        """Do nothing."""


EVENTS = profile_sinks.EventSink(url=SecretStr("nats://127.0.0.1:1"), stream="S", subject="orders.>")


def event(event_id: str | None, name: Any) -> dict[str, Any]:
    """A CloudEvent."""
    return {"id": event_id, "data": {"name": name}}


def event_sink(writes: Writes, stream: Stream, **declared: Any) -> EventSink:
    """A stream of events in the reference's form."""
    sink = EVENTS.model_copy(update=declared)
    return EventSink(stream, sink, "name", writes=writes, comparison=None, deadline_s=2)


async def test_a_redelivered_event_counts_once() -> None:
    """Two event ids for one create count twice; so do two events without an id."""
    writes = writes_of("aaaa")
    stream = Stream(
        event("e0", "load ab12 0"),
        event("e0", "load ab12 0"),
        event("e1", "load ab12 1"),
        event("e2", "load ab12 1"),
        event(None, "load ab12 2"),
        event(None, "load ab12 2"),
        event("e3", "sample ab12 3"),
    )
    assert (await event_sink(writes, stream).read()).counts == b"\1\2\2\0"


async def test_the_next_read_continues() -> None:
    """Earlier events stay counted."""
    writes = writes_of("aa")
    stream = Stream(event("e0", "load ab12 0"))
    sink = event_sink(writes, stream)
    assert (await sink.read()).counts == b"\1\0"
    stream.events = [event("e1", "load ab12 1"), event("e9", "load ab12 9")]
    seen = await sink.read()
    assert (seen.counts, seen.unexpected) == (b"\1\1", 1)


async def test_events_of_updates_are_not_duplicates() -> None:
    """Without a subject for creates a run with updates cannot tell, and the limitation says so."""
    writes = writes_of("ao")
    twice = [event("e0", "load ab12 0"), event("e1", "load ab12 0")]
    unsure = event_sink(writes, Stream(*twice))
    assert (await unsure.read()).counts == b"\1\0"
    assert unsure.limitation == "duplicates: no created_subject, and the load also updates"
    sure = event_sink(writes, Stream(*twice), created_subject="orders.created")
    assert ((await sure.read()).counts, sure.limitation) == (b"\2\0", "")


@pytest.mark.parametrize("odd", [b"\xff", b"[]", b'{"data": 3}', b'{"data": {"name": 7}}', b"[" * 100_000])
async def test_malformed_events_are_ignored(odd: bytes) -> None:
    """Others may publish what they like."""
    writes = writes_of("a")
    assert (await event_sink(writes, Stream(odd, event("e0", "load ab12 0"))).read()).counts == b"\1"


async def test_events_without_names_cannot_be_verified() -> None:
    """They cannot be told apart, which is not a finding."""
    with pytest.raises(NotDeclared, match="/data/name"):
        await event_sink(writes_of("a"), Stream({"id": "e0", "data": {"id": "x"}})).read()


class Index:
    """Documents in memory: id and name."""

    max_batch = PAGE

    def __init__(self, *documents: tuple[str, str]) -> None:
        self.documents_of = list(documents)
        self.asked: list[int] = []

    async def documents(self, names_or_ids: Sequence[str], *, by_name: bool) -> list[IndexedDocument]:
        """One for each document."""
        self.asked.append(len(names_or_ids))
        wanted = set(names_or_ids)
        return [
            IndexedDocument(one, name if by_name else "", None)
            for one, name in self.documents_of
            if (name if by_name else one) in wanted
        ]


def index_sink(index: Index, ids: ResourceIds, keyword: str | None = "name.keyword") -> IndexSink:
    """An index with a keyword field, or without."""
    return IndexSink(index, by_name=keyword is not None, comparison=None, ids=ids, deadline_s=5)  # type: ignore[arg-type]


async def test_by_name_the_index_is_searched_for_every_arrival() -> None:
    """Also for refused ones, but not again for those that were found."""
    writes = writes_of("aar" + "a" * PAGE)
    index = Index(("x", "load ab12 0"), ("y", "load ab12 0"), ("z", "load ab12 2"))
    sink = index_sink(index, ResourceIds(writes))
    assert (await sink.read()).counts == b"\2\0\1" + bytes(PAGE)
    assert index.asked == [PAGE, 3]
    index.documents_of = [("w", "load ab12 1")]
    assert (await sink.read()).counts == b"\2\1\1" + bytes(PAGE)
    assert index.asked == [PAGE, 3, PAGE, 1]


async def test_by_id_only_missing_documents_are_found() -> None:
    """The limitation says what is not."""
    writes = writes_of("aaa")
    sink = index_sink(Index(("x", ""), ("other", "")), await known_ids(writes, "w", "x"), None)
    seen = await sink.read()
    assert (seen.counts, seen.unsearchable) == (b"\0\1\0", 1 << 16)
    assert sink.limitation == "duplicates and unexpected documents: no name_keyword"
    with pytest.raises(PrimaryNotReadError):
        await index_sink(Index(), ResourceIds(writes), None).read()
