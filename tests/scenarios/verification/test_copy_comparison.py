"""Which differences between a copy and what was sent are found, in each kind of sink, and in which words."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.sinks.sink import EPOCH, IndexedDocument, Page, PublishedEvent
from createflow.scenarios.text.trace_context import trace_id_of
from createflow.scenarios.verification.copy_comparison import CopyComparison, compare_requests
from createflow.scenarios.verification.event_sink import EventSink
from createflow.scenarios.verification.index_sink import IndexSink
from createflow.scenarios.verification.observed import Observed, ResourceIds, count_arrivals, list_arrivals
from createflow.scenarios.verification.row_sinks import AuditSink, RowSink
from createflow.scenarios.verification.search_rounds import SinkSearch
from createflow.scenarios.verification.sent_writes import SentWrites
from createflow.scenarios.verification.sink_verdict import evaluate_sinks, find_verified
from createflow.scenarios.verification.write_sinks import WriteSink
from createflow.schemas import profile_sinks
from createflow.schemas.profile import Profile
from tests.scenarios.verification.fakes import writes_of

pytestmark = pytest.mark.anyio
NOW = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
BODY = '{"name":"load ab12 %d","description":"made","metadata":{"arrival":%d,"list":[1,"a",null,true]}}'
TARGET = Profile.model_validate({"target": {"base_url": "http://stub.test"}}).target
COLUMNS = ("id", "name", "description", "metadata", "created_at", "created_by")
COUNT = 6
ALTERED = 3
"""The arrival whose copy a test alters."""
Document = dict[str, Any]


class Run:
    """Six accepted creates, and the comparison that all sinks of a test share."""

    def __init__(self) -> None:
        self.writes: Writes = writes_of("a" * COUNT)
        self.ids = ResourceIds(self.writes)
        shown = frozenset({"name", "description", "metadata", "created_by"})
        self.comparison = CopyComparison(SentWrites([BODY], TARGET, subjects=["load-0"], shown=shown), self.ids)

    def row(self, k: int) -> Document:
        """The row of an arrival."""
        return {**self.comparison.sent.state(k), "id": f"id-{k}", "created_at": NOW + timedelta(seconds=k)}

    def document(self, k: int) -> Document:
        """The same as JSON."""
        return {**self.row(k), "created_at": (NOW + timedelta(seconds=k)).isoformat().replace("+00:00", "Z")}

    def event(self, k: int, **changes: Any) -> Document:
        """The event of an arrival."""
        return {
            "id": f"event-{k}",
            "actor": "load-0",
            "time": (NOW + timedelta(seconds=k)).isoformat(),
            "requestid": f"request-{k}",
            "subject": f"id-{k}",
            "data": self.document(k),
        } | changes

    def entry(self, k: int) -> Document:
        """The audit entry of an arrival."""
        return {
            "resource_id": f"id-{k}",
            "actor": "load-0",
            "action": "create",
            "occurred_at": NOW + timedelta(seconds=k),
            "request_id": f"request-{k}",
        }


class Table:
    """Rows in memory, in pages and one by one."""

    def __init__(self, rows: Sequence[Document], *, columns: Sequence[str] = COLUMNS, key: str = "id") -> None:
        self.rows = list(rows)
        self._columns = tuple(columns)
        self._key = key

    def _page(self, rows: Iterable[Document]) -> Page:
        return Page(self._columns, [tuple(row[name] for name in self._columns) for row in rows])

    async def pages(self, _query: str, _values: Mapping[str, Any]) -> AsyncIterator[Page]:
        """All rows in one page."""
        yield self._page(self.rows)

    async def pages_by_ids(self, _query: str, ids: Iterable[Sequence[str]]) -> AsyncIterator[Page]:
        """The rows about these resources."""
        for some in ids:
            yield self._page(row for row in self.rows if row[self._key] in set(some))

    async def by_id(self, resource_id: str) -> list[Document]:
        """The rows of a resource, with all columns."""
        return [row for row in self.rows if row[self._key] == resource_id]

    async def close(self) -> None:
        """Do nothing."""


class Stream:
    """Events in memory."""

    def __init__(self, events: Iterable[Document]) -> None:
        self.events = list(events)

    async def pages(self) -> AsyncIterator[list[PublishedEvent]]:
        """The events that were not read before."""
        yield [PublishedEvent(json.dumps(event).encode(), None) for event in self.events]
        self.events.clear()

    async def close(self) -> None:
        """Do nothing."""


class Index:
    """Documents in memory."""

    max_batch = 4

    def __init__(self, documents: Iterable[Document]) -> None:
        self.documents_of = list(documents)

    async def documents(self, names_or_ids: Sequence[str], *, by_name: bool) -> list[IndexedDocument]:
        """Those with one of the names or ids."""
        key = "name" if by_name else "id"
        return [
            IndexedDocument(str(one["id"]), one["name"], one) for one in self.documents_of if one[key] in names_or_ids
        ]


def row_sink(run: Run, table: Table, name: str = "primary") -> RowSink:
    """The primary, which gives the ids, or a replica."""
    return RowSink(
        name,
        table,  # type: ignore[arg-type] # it has what is asked for
        "q",
        comparison=run.comparison,
        since=EPOCH,
        deadline_s=0,
        ids=run.ids,
        gives_ids=name == "primary",
    )


def event_sink(run: Run, events: Iterable[Document]) -> EventSink:
    """A stream with every part of an envelope."""
    section = profile_sinks.EventSink(
        url=SecretStr("nats://127.0.0.1:1"),
        stream="S",
        subject="s",
        envelope={"actor": "/actor", "time": "/time", "request_id": "/requestid", "resource_id": "/subject"},
    )
    return EventSink(Stream(events), section, "name", writes=run.writes, comparison=run.comparison, deadline_s=2)


def audit_sink(run: Run, entries: Sequence[Document], columns: Sequence[str] = ()) -> AuditSink:
    """An audit trail whose query returns these columns."""
    queries = profile_sinks.SqlSink(dsn=SecretStr("postgresql://127.0.0.1:1/none"), by_id="q", by_ids="q")
    table = Table(entries, columns=columns or tuple(entries[0]), key="resource_id")
    return AuditSink(
        table,  # type: ignore[arg-type] # it has what is asked for
        queries,
        comparison=run.comparison,
        ids=run.ids,
        since=EPOCH,
        deadline_s=1,
        primary=table,  # type: ignore[arg-type] # it is only closed
    )


def index_sink(run: Run, index: Index, *, by_name: bool = True) -> IndexSink:
    """A search index."""
    return IndexSink(
        index,  # type: ignore[arg-type] # it has what is asked for
        by_name=by_name,
        comparison=run.comparison,
        ids=run.ids,
        deadline_s=5,
    )


async def read_primary(run: Run) -> Observed:
    """The rows as they were written."""
    return await row_sink(run, Table([run.row(k) for k in range(COUNT)])).read()


def only(observed: Observed) -> str:
    """The problem of the one altered copy, after all others were compared and found right."""
    assert (list_arrivals(observed.altered, COUNT), sum(observed.compared)) == ([ALTERED], COUNT)
    return observed.problem_of(ALTERED)


async def test_right_copies_are_compared_and_right() -> None:
    """In every kind of sink."""
    run = Run()
    found = [
        await read_primary(run),
        await row_sink(run, Table([run.row(k) for k in range(COUNT)]), "replica").read(),
        await audit_sink(run, [run.entry(k) for k in range(COUNT)]).read(),
        await event_sink(run, [run.event(k) for k in range(COUNT)]).read(),
        await index_sink(run, Index(run.document(k) for k in range(COUNT))).read(),
        await index_sink(run, Index(run.document(k) for k in range(COUNT)), by_name=False).read(),
    ]
    assert [(count_arrivals(one.altered), sum(one.compared), one.unexpected) for one in found] == [(0, COUNT, 0)] * 6


ROWS: tuple[tuple[Document, str], ...] = (
    ({"description": "Made"}, "has description = 'Made' instead of 'made'"),
    ({"description": None}, "has description = None instead of 'made'"),
    ({"description": "made "}, "has description = 'made ' instead of 'made'"),
    ({"metadata": {"arrival": "3", "list": [1, "a", None, True]}}, "has metadata/arrival = '3' instead of 3"),
    ({"metadata": {"arrival": 3, "list": [True, "a", None, True]}}, "has metadata/list/0 = True instead of 1"),
    ({"metadata": {"arrival": 3}}, "has metadata/list = nothing instead of [1"),
    ({"metadata": {"arrival": 3, "list": [1, "a", None, True], "more": 1}}, "has metadata/more = 1 instead of"),
    (
        {"metadata": {"arrival": Decimal("3.5"), "list": [1, "a", None, True]}},
        "has metadata/arrival = Decimal('3.5') instead of 3",
    ),
    ({"created_by": "another"}, "has created_by = 'another' instead of 'load-0'"),
)


@pytest.mark.parametrize(("changes", "words"), ROWS)
@pytest.mark.parametrize("name", ["primary", "replica"])
async def test_an_altered_row_is_found(name: str, changes: Document, words: str) -> None:
    """Value, type, length, nested values, what is missing and what is more."""
    run = Run()
    await read_primary(run)
    rows = [run.row(k) | (changes if k == ALTERED else {}) for k in range(COUNT)]
    assert only(await row_sink(run, Table(rows), name).read()).startswith(words)


async def test_a_replica_with_another_id_or_time_than_the_row_is_found() -> None:
    """They are the target's own, so they are compared with the primary."""
    for changes, words in (
        ({"id": "id-9"}, "has the id 'id-9' instead of 'id-3'"),
        ({"created_at": NOW}, f"has created_at = {NOW!r}"[:40]),
    ):
        run = Run()
        await read_primary(run)
        rows = [run.row(k) | (changes if k == ALTERED else {}) for k in range(COUNT)]
        assert only(await row_sink(run, Table(rows), "replica").read()).startswith(words)


DOCUMENTS: tuple[tuple[Document, str], ...] = (
    *(row for row in ROWS if "Decimal" not in repr(row)),
    ({"id": "id-9"}, "has the id 'id-9' instead of 'id-3'"),
    ({"created_at": "2030-01-02T03:04:05Z"}, "has created_at = '2030-01-02T03:04:05Z' instead of"),
    ({"created_at": 1893553445}, "has created_at = 1893553445 instead of"),
)


@pytest.mark.parametrize(("changes", "words"), DOCUMENTS)
@pytest.mark.parametrize("sink", ["events", "search"])
async def test_an_altered_document_is_found(sink: str, changes: Document, words: str) -> None:
    """In an event and in the index, with JSON's own types."""
    run = Run()
    await read_primary(run)
    documents = [run.document(k) | (changes if k == ALTERED else {}) for k in range(COUNT)]
    if sink == "events":
        made: WriteSink = event_sink(run, (run.event(k, data=document) for k, document in enumerate(documents)))
    else:
        made = index_sink(run, Index(documents))
    assert only(await made.read()).startswith(words)


ENVELOPES: tuple[tuple[Document, str], ...] = (
    ({"actor": "other"}, "has an event whose actor is 'other' instead of 'load-0'"),
    ({"actor": None}, "has an event whose actor is None"),
    ({"subject": "id-4"}, "has an event whose resource_id is 'id-4'"),
    ({"time": "2030-01-02T05:04:05+00:00"}, "has an event at '2030-01-02T05:04:05+00:00'"),
    ({"time": 5}, "has an event at 5, not at the time of the write"),
    ({"id": "event-2"}, "has the event id of arrival 2"),
)


@pytest.mark.parametrize(("changes", "words"), ENVELOPES)
async def test_an_altered_envelope_is_found(changes: Document, words: str) -> None:
    """Who, about what, when, and an id that another event has."""
    run = Run()
    await read_primary(run)
    events = [run.event(k, **(changes if k == ALTERED else {})) for k in range(COUNT)]
    assert only(await event_sink(run, events).read()).startswith(words)


ENTRIES: tuple[tuple[Document, str], ...] = (
    ({"actor": "other"}, "has the actor 'other' instead of load-0"),
    ({"actor": None}, "has the actor 'None'"),
    ({"action": "delete"}, "has the action 'delete', which does not say create"),
    ({"occurred_at": NOW + timedelta(hours=1)}, "has an entry at 2030-01-02 04:04:05"),
    ({"occurred_at": NOW.replace(hour=0, minute=0)}, "has an entry at 2030-01-02 00:00:05"),
    ({"request_id": "another"}, "has another request_id than the event of it"),
)


@pytest.mark.parametrize(("changes", "words"), ENTRIES)
async def test_an_altered_audit_entry_is_found(changes: Document, words: str) -> None:
    """Who, what, when, and in which request: the events tell that as well, whichever are read first."""
    for is_first in (True, False):
        run = Run()
        await read_primary(run)
        entries = [run.entry(k) | (changes if k == ALTERED else {}) for k in range(COUNT)]
        trail, events = audit_sink(run, entries), event_sink(run, [run.event(k) for k in range(COUNT)])
        if is_first:
            observed = await trail.read()
        assert not (await events.read()).altered
        if not is_first:
            observed = await trail.read()
        compare_requests(run.ids, observed)
        assert only(observed).startswith(words)


@pytest.mark.parametrize("sink", ["events", "search"])
async def test_a_field_that_only_some_copies_lack_is_found(sink: str) -> None:
    """Whatever the order: a store that has it of one write must have it of all. What none has is not stored there."""
    for lacking in ({0, 1, 2}, {5}):
        run = Run()
        await read_primary(run)
        documents = [
            {name: value for name, value in run.document(k).items() if name != "metadata" or k not in lacking}
            for k in range(COUNT)
        ]
        if sink == "events":
            made: WriteSink = event_sink(run, (run.event(k, data=one) for k, one in enumerate(documents)))
        else:
            made = index_sink(run, Index(documents))
        observed = await made.read()
        assert set(list_arrivals(observed.altered, COUNT)) == lacking
        assert observed.problem_of(max(lacking)) == "has no metadata"


async def test_an_event_must_have_what_replies_show_and_an_index_need_not() -> None:
    """The replies to the sampler's creates say which fields the representation has."""
    run = Run()
    await read_primary(run)
    documents = [{"id": f"id-{k}", "name": f"load ab12 {k}"} for k in range(COUNT)]
    assert not (await index_sink(run, Index(documents)).read()).altered
    told = await event_sink(run, (run.event(k, data=one) for k, one in enumerate(documents))).read()
    assert count_arrivals(told.altered) == COUNT
    assert told.problem_of(0) == "has no created_by and no description"


async def test_what_becomes_right_in_time_was_late_and_not_altered() -> None:
    """An index and an audit trail are asked again for what was wrong."""
    run = Run()
    await read_primary(run)
    index = Index(run.document(k) | ({"description": "old"} if k == ALTERED else {}) for k in range(COUNT))
    sink = index_sink(run, index)
    assert only(await sink.read()) == "has description = 'old' instead of 'made'"
    index.documents_of[ALTERED]["description"] = "made"
    observed = await sink.read()
    assert (observed.altered, list(observed.counts), sum(observed.compared)) == (0, [1] * COUNT, COUNT)


async def test_pages_without_values_are_compared_by_a_sample_and_say_so() -> None:
    """Queries of older profiles return only ids and names; nothing is taken for compared that was not."""
    run = Run()
    rows = [run.row(k) | ({"description": "x"} if k == ALTERED else {}) for k in range(COUNT)]
    sink = row_sink(run, Table(rows, columns=("id", "name")))
    assert only(await sink.read()) == "has description = 'x' instead of 'made'"
    assert sink.limitation == "the values of all rows but 6: by_run returns only id and name"
    entries = [run.entry(k) | ({"actor": "other"} if k == ALTERED else {}) for k in range(COUNT)]
    trail = audit_sink(run, entries, columns=("resource_id",))
    assert only(await trail.read()) == "has the actor 'other' instead of load-0"
    assert "who and when of all entries but 6: by_ids returns only the resource" in trail.limitation


async def test_rows_that_nobody_asked_for_are_unexpected() -> None:
    """The run's own subjects created them, under names that are not those of its creates."""
    run = Run()
    rows = [*(run.row(k) for k in range(COUNT)), run.row(0) | {"id": "z", "name": "clone"}]
    rows.append(run.row(0) | {"id": "w", "name": "warm ab12 up"})

    class ByQuery(Table):
        """Another query has other rows."""

        async def pages(self, _query: str, _values: Mapping[str, Any]) -> AsyncIterator[Page]:
            yield self._page(row for row in self.rows if _query == "creators" or row["name"].startswith("load"))

    sink = RowSink(
        "primary",
        ByQuery(rows),  # type: ignore[arg-type] # it has what is asked for
        "q",
        comparison=run.comparison,
        since=EPOCH,
        deadline_s=0,
        ids=run.ids,
        gives_ids=True,
        by_creators="creators",
        creators=["load-0"],
    )
    observed = await sink.read()
    assert (observed.unexpected, observed.unexpected_examples) == (1, ["'clone', which no create of the run asked for"])


async def test_an_altered_write_is_not_verified_and_its_cause_is_told_once() -> None:
    """A replica of a wrong row is not accused as well; an event that alone is wrong is."""
    run = Run()
    rows = [run.row(k) | ({"description": "x"} if k == ALTERED else {}) for k in range(COUNT)]
    events = [run.event(k, **({"actor": "other"} if k == 1 else {})) for k in range(COUNT)]
    sinks: list[WriteSink] = [
        row_sink(run, Table(rows)),
        row_sink(run, Table(rows), "replica"),
        event_sink(run, events),
    ]
    searches = [SinkSearch(sink, await sink.read()) for sink in sinks]
    told = {one.sink: one for one in evaluate_sinks(run.writes, searches, run.ids.of_arrival)}
    assert {name: one.altered for name, one in told.items()} == {"primary": 1, "replica": 0, "events": 1}
    named = f"arrival 3 (load ab12 3, id id-3, trace {trace_id_of('ab12', 3)})"
    assert told["primary"].examples == (f"{named} has description = 'x' instead of 'made', in primary",)
    assert (told["primary"].power, told["primary"].compared) == ("", COUNT)
    assert told["replica"].power == "0 of 6 rows differ: below 39 % with 95 % confidence"
    assert list_arrivals(find_verified(run.writes, searches), COUNT) == [0, 2, 4, 5]
