"""What each kind of sink makes of what its probe reads, in pages."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import pytest
from pydantic import SecretStr

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.sink import EPOCH, PublishedEvent
from createflow.scenarios.verification.observed import PrimaryNotReadError, ResourceIds
from createflow.scenarios.verification.write_sinks import AuditSink, EventSink, IndexSink, RowSink
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

    async def pages(self, _query: str, _values: Mapping[str, Any]) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Two rows a page."""
        for start in range(0, len(self.rows), 2):
            yield list(self.rows[start : start + 2])

    async def pages_by_ids(self, _query: str, ids: Iterable[Sequence[str]]) -> AsyncIterator[list[tuple[Any, ...]]]:
        """An entry each time that one is in ``entries``."""
        for some in ids:
            self.asked_ids.append(len(some))
            wanted = set(some)
            yield [(entry,) for entry in self.entries if entry in wanted]


class Primary:
    """Says which resources there are."""

    def __init__(self, *ids: str) -> None:
        self.ids = set(ids)

    async def by_id(self, resource_id: str) -> list[dict[str, Any]]:
        """One row or none."""
        return [{"id": resource_id}] if resource_id in self.ids else []

    async def close(self) -> None:
        """Nothing is open."""


def row_sink(writes: Writes, table: Table, ids: ResourceIds | None = None) -> RowSink:
    """A primary, when it teaches ids."""
    return RowSink("primary", table, "", writes=writes, since=EPOCH, deadline_s=0, ids=ids)


async def test_rows_are_counted_by_their_names_and_teach_ids() -> None:
    """Over all pages; a second row of an arrival is told by its own id."""
    writes = writes_of("aaa")
    ids = ResourceIds(writes)
    table = Table(("x", "load ab12 0"), ("p", "load ab12 -1"), ("y", "load ab12 2"), ("z", "load ab12 2"))
    seen = await row_sink(writes, table, ids).read()
    assert (seen.counts, seen.unexpected) == (b"\1\0\2", 0)
    assert (ids.of_arrival, ids.further) == (["x", None, "y"], {"p": -1, "z": 2})
    assert sorted(ids.of_arrivals()) == [("x", 0), ("y", 2), ("z", 2)]


async def test_a_row_that_went_is_missing_at_the_next_look() -> None:
    """Each look sees the table afresh."""
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


def audit_sink(writes: Writes, table: Table, ids: ResourceIds, *there: str, actors: tuple[str, ...]) -> AuditSink:
    """A trail with both queries."""
    queries = profile_sinks.SqlSink(dsn=DSN, by_id="", by_ids="q", by_actors="q")
    return AuditSink(
        table,
        queries,
        writes=writes,
        ids=ids,
        since=EPOCH,
        deadline_s=1,
        primary=Primary(*there),
        actors=actors,
    )


async def test_audit_entries_are_counted_by_the_ids_of_the_rows() -> None:
    """None, one, two; what has no row cannot be asked for."""
    writes = writes_of("aaaa")
    table = Table()
    table.entries = ["x", "y", "y"]
    seen = await audit_sink(writes, table, await known_ids(writes, "w", "x", "y"), actors=()).read()
    assert seen.counts == b"\0\1\2\0"
    assert seen.unsearchable == 1 << 24


async def test_a_second_look_asks_only_for_what_was_missing() -> None:
    """And in batches, whatever the load was."""
    size = PAGE_ROWS + 3
    writes = writes_of("a" * size)
    table = Table()
    sink = audit_sink(writes, table, await known_ids(writes, *map(str, range(size))), actors=())
    table.entries = [str(k) for k in range(size) if k != 7]
    await sink.read()
    assert table.asked_ids == [PAGE_ROWS, 3]
    table.entries.append("7")
    assert (await sink.read()).counts == b"\1" * size
    assert table.asked_ids == [PAGE_ROWS, 3, 1]


async def test_an_entry_about_a_create_that_never_was_is_unexpected() -> None:
    """By a subject of the run; not one about a row that was committed since the primary was read."""
    writes = writes_of("a")
    table = Table(("x",), ("late",), ("ghost",))
    table.entries = ["x"]
    sink = audit_sink(writes, table, await known_ids(writes, "x"), "late", actors=("load-ab12-0",))
    seen = await sink.read()
    assert (seen.unexpected, seen.unexpected_examples) == (
        1,
        ["an entry about resource ghost, which the primary does not have"],
    )
    assert (await sink.read()).unexpected == 1
    assert sink.limitation == ""


async def test_audit_says_when_it_cannot_look_for_unexpected_entries() -> None:
    """A token that others use as well proves nothing."""
    writes = writes_of("a")
    sink = audit_sink(writes, Table(("ghost",)), await known_ids(writes, "x"), actors=())
    assert (await sink.read()).unexpected == 0
    assert sink.limitation == "entries about creates that never happened: the run has no subjects of its own"


async def test_nobody_is_asked_by_ids_that_are_not_known() -> None:
    """An empty answer would accuse the trail of what the primary did."""
    writes = writes_of("a")
    with pytest.raises(PrimaryNotReadError):
        await audit_sink(writes, Table(), ResourceIds(writes), actors=()).read()


class Stream:
    """Events in memory, one a page."""

    def __init__(self, *events: Any) -> None:
        self.events = list(events)

    async def pages(self) -> AsyncIterator[list[PublishedEvent]]:
        """What was not read before."""
        while self.events:
            event = self.events.pop(0)
            data = event if isinstance(event, bytes) else json.dumps(event).encode()
            yield [PublishedEvent(data, None)]

    async def close(self) -> None:
        """Nothing is open."""


EVENTS = profile_sinks.EventSink(url=SecretStr("nats://127.0.0.1:1"), stream="S", subject="orders.>")


def event(event_id: str | None, name: Any) -> dict[str, Any]:
    """A CloudEvent."""
    return {"id": event_id, "data": {"name": name}}


def event_sink(writes: Writes, stream: Stream, **declared: Any) -> EventSink:
    """A stream of events in the reference's form."""
    sink = EVENTS.model_copy(update=declared)
    return EventSink(stream, sink, "name", writes=writes, deadline_s=2)


async def test_a_redelivered_event_is_no_second_one() -> None:
    """Two event ids for one create are; so are two without any id."""
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


async def test_the_next_look_reads_on() -> None:
    """What was seen stays seen."""
    writes = writes_of("aa")
    stream = Stream(event("e0", "load ab12 0"))
    sink = event_sink(writes, stream)
    assert (await sink.read()).counts == b"\1\0"
    stream.events = [event("e1", "load ab12 1"), event("e9", "load ab12 9")]
    seen = await sink.read()
    assert (seen.counts, seen.unexpected) == (b"\1\1", 1)


async def test_events_of_updates_are_no_duplicates() -> None:
    """Unless the profile says which are creates, a run with updates cannot tell: it says so."""
    writes = writes_of("ao")
    twice = [event("e0", "load ab12 0"), event("e1", "load ab12 0")]
    unsure = event_sink(writes, Stream(*twice))
    assert (await unsure.read()).counts == b"\1\0"
    assert unsure.limitation == "duplicates: no created_subject, and the load also updates"
    sure = event_sink(writes, Stream(*twice), created_subject="orders.created")
    assert ((await sure.read()).counts, sure.limitation) == (b"\2\0", "")


@pytest.mark.parametrize("odd", [b"\xff", b"[]", b'{"data": 3}', b'{"data": {"name": 7}}', b"[" * 100_000])
async def test_odd_events_break_nothing(odd: bytes) -> None:
    """Others may publish what they like."""
    writes = writes_of("a")
    assert (await event_sink(writes, Stream(odd, event("e0", "load ab12 0"))).read()).counts == b"\1"


async def test_events_without_names_accuse_nobody() -> None:
    """They cannot be told apart, which is not the stream's fault."""
    with pytest.raises(NotDeclared, match="/data/name"):
        await event_sink(writes_of("a"), Stream({"id": "e0", "data": {"id": "x"}})).read()


class Index:
    """Documents in memory: id and name."""

    max_batch = PAGE

    def __init__(self, *documents: tuple[str, str]) -> None:
        self.documents = list(documents)
        self.asked: list[int] = []

    async def with_names(self, names: Sequence[str]) -> list[str]:
        """One for each document."""
        self.asked.append(len(names))
        wanted = set(names)
        return [name for _, name in self.documents if name in wanted]

    async def with_ids(self, ids: Sequence[str]) -> list[str]:
        """Those that are there."""
        self.asked.append(len(ids))
        return [one for one, _ in self.documents if one in set(ids)]


def index_sink(writes: Writes, index: Index, ids: ResourceIds, keyword: str | None = "name.keyword") -> IndexSink:
    """An index with a keyword field, or without."""
    return IndexSink(index, by_name=keyword is not None, writes=writes, ids=ids, deadline_s=5)


async def test_by_name_the_index_is_asked_about_every_arrival() -> None:
    """Refused ones as well; what was found is not asked for again."""
    writes = writes_of("aar" + "a" * PAGE)
    index = Index(("x", "load ab12 0"), ("y", "load ab12 0"), ("z", "load ab12 2"))
    sink = index_sink(writes, index, ResourceIds(writes))
    assert (await sink.read()).counts == b"\2\0\1" + bytes(PAGE)
    assert index.asked == [PAGE, 3]
    index.documents = [("w", "load ab12 1")]
    assert (await sink.read()).counts == b"\2\1\1" + bytes(PAGE)
    assert index.asked == [PAGE, 3, PAGE, 1]


async def test_by_id_the_index_tells_only_what_is_there() -> None:
    """And says what it cannot tell."""
    writes = writes_of("aaa")
    sink = index_sink(writes, Index(("x", ""), ("other", "")), await known_ids(writes, "w", "x"), None)
    seen = await sink.read()
    assert (seen.counts, seen.unsearchable) == (b"\0\1\0", 1 << 16)
    assert sink.limitation == "duplicates and unexpected documents: no name_keyword"
    with pytest.raises(PrimaryNotReadError):
        await index_sink(writes, Index(), ResourceIds(writes), None).read()
