"""What the tester reads of real stores is bounded: rows of PostgreSQL and events of NATS, in number and size."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import SecretStr

from createflow.reference_server.adapters import nats_bus
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks import postgres
from createflow.scenarios.sinks.events import collector
from createflow.scenarios.sinks.nats import consumer
from createflow.scenarios.sinks.nats import replay as nats_replay
from createflow.scenarios.sinks.nats import stream as nats_stream
from createflow.scenarios.sinks.nats.stream import NatsStream
from createflow.scenarios.sinks.postgres import PostgresTable
from createflow.schemas.profile_sinks import EventSink, SqlSink
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import until

pytestmark = pytest.mark.anyio
ROWS = (
    "select n::text as id, repeat('x', 100) as name, '{\"a\": 1}'::json as metadata from generate_series(1, %(id)s) n"
)
PAGES = ROWS.replace("%(id)s", "2500") + " order by n; "
COMMENTED = ROWS + " -- all of them"


@pytest.fixture
async def table(engines: EngineSet) -> AsyncIterator[PostgresTable]:
    """A table whose query by id returns so many rows."""
    table = PostgresTable("the primary", engines.admin_dsn, SqlSink(dsn=SecretStr(""), by_id=COMMENTED))
    yield table
    await table.close()


async def _all_pages(table: PostgresTable, query: str = PAGES) -> list[tuple[Any, ...]]:
    return [row async for _, rows in table.pages(query, {}) for row in rows]


async def test_rows_within_the_bounds_are_what_the_query_returns(table: PostgresTable) -> None:
    """With their columns and in their order, whether one by one or in pages."""
    assert await table.by_id("2") == [{"id": str(n), "name": "x" * 100, "metadata": {"a": 1}} for n in (1, 2)]
    pages = [page async for page in table.pages(PAGES, {})]
    assert {page.columns for page in pages} == {("id", "name", "metadata")}
    assert [row[0] for page in pages for row in page.rows] == [str(n) for n in range(1, 2501)]
    by_ids = "select unnest(%(ids)s::text[]) as id"
    assert [page async for page in table.pages_by_ids(by_ids, [["a", "b"], ["c"]])] == [
        (("id",), [("a",), ("b",)]),
        (("id",), [("c",)]),
    ]


async def test_rows_that_are_too_long_are_not_read(table: PostgresTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server says so before it sends them. Pages are bounded each, and not all together."""
    monkeypatch.setattr(postgres, "_MOST_BYTES", 400_000)
    assert len(await _all_pages(table)) == 2500
    monkeypatch.setattr(postgres, "_MOST_BYTES", 20_000)
    for reading in (table.by_id("200"), _all_pages(table)):
        with pytest.raises(Inconclusive, match=r"the primary returned rows of more than 0 MiB: too long to read"):
            await reading
    assert len(await table.by_id("100")) == 100, "the connection is still used"


@pytest.mark.parametrize("value", ["('[' || repeat('9', 5000) || ']')", "(repeat('[', 5000) || repeat(']', 5000))"])
async def test_a_value_that_cannot_be_read_is_told(engines: EngineSet, value: str) -> None:
    """A number of 5,000 digits and a list 5,000 levels deep are JSON for PostgreSQL."""
    query = f"select %(id)s as id, {value}::json as metadata"
    table = PostgresTable("the primary", engines.admin_dsn, SqlSink(dsn=SecretStr(""), by_id=query))
    with pytest.raises(Inconclusive, match="the primary returned a value that cannot be read"):
        await table.by_id("1")
    await table.close()


async def test_more_rows_than_are_read_are_told(table: PostgresTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of them would look like all."""
    monkeypatch.setattr(postgres, "_MOST_ROWS", 10)
    assert len(await table.by_id("10")) == 10
    with pytest.raises(Inconclusive, match="more than 10 rows to one query: too many to read"):
        await table.by_id("11")
    with pytest.raises(Inconclusive, match="more than 10 rows"):
        assert [page async for page in table.pages_by_ids("select unnest(%(ids)s::text[]) as id", [["a"] * 11])]


@pytest.fixture
async def section(engines: EngineSet, operator: Client, monkeypatch: pytest.MonkeyPatch) -> EventSink:
    """A stream of the test's own, as a profile declares it."""
    name = f"t{uuid.uuid4().hex[:12]}"
    await operator.jetstream().add_stream(name=name, subjects=[f"{name}.>"])

    async def connected(_: EventSink) -> Client:
        return await nats_bus.connect(engines.nats_urls["operator"], "operator", kind="operator")

    for reader in (nats_stream, nats_replay):
        monkeypatch.setattr(reader, "connect_once", connected)
    return EventSink(url=SecretStr(engines.nats_urls["operator"]), stream=name, subject=f"{name}.created")


async def test_a_replay_reads_pages_of_a_bounded_size(
    section: EventSink, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit in a page comes in the next; an event that fits in none is told."""
    for number in range(30):
        await operator.jetstream().publish(section.subject, json.dumps({"n": number, "text": "x" * 1000}).encode())
    monkeypatch.setattr(consumer, "_MOST_PAGE_BYTES", 5_000)
    events = NatsStream(section, "id").replay(after=0)
    try:
        pages = [page async for page in events.pages()]
        assert [json.loads(event.data)["n"] for page in pages for event in page] == list(range(30))
        assert max(map(len, pages)) < 5
        await operator.jetstream().publish(section.subject, b"x" * 6_000)
        with pytest.raises(Inconclusive, match="an event of more than 5000 bytes: too long to read"):
            assert [page async for page in events.pages()]
    finally:
        await events.close()


@pytest.mark.parametrize("count", [9, 10, 11, 20, 35])
async def test_a_replay_reads_every_page(
    section: EventSink, operator: Client, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Behind a full page the server reports that it is complete: that is not the end of the events."""
    monkeypatch.setattr(nats_replay, "_PAGE_EVENTS", 10)
    events = NatsStream(section, "id").replay(after=0)
    try:
        for begin in (0, count):
            for number in range(begin, begin + count):
                await operator.jetstream().publish(section.subject, json.dumps({"n": number}).encode())
                await operator.jetstream().publish(f"{section.stream}.other", b"{}")
            read = [json.loads(event.data)["n"] async for page in events.pages() for event in page]
            assert read == list(range(begin, begin + count))
    finally:
        await events.close()


@pytest.mark.parametrize("before", [0, 3])
async def test_events_go_on_after_a_restart_of_the_broker(section: EventSink, operator: Client, before: int) -> None:
    """It has forgotten the consumer. What came meanwhile is received too, and nothing counts twice."""
    section = section.model_copy(update={"created_subject": section.subject})

    async def publish(numbers: range) -> None:
        for number in numbers:
            event = json.dumps({"id": f"e{number}", "data": {"id": str(number)}}).encode()
            await operator.jetstream().publish(section.subject, event)

    async def received(count: int) -> bool:
        return await until(lambda: _are_received(stream, count))

    stream = NatsStream(section, "id")
    await stream.open()
    try:
        await publish(range(before))
        assert await received(before)
        for consumer_info in await operator.jetstream().consumers_info(section.stream):
            await operator.jetstream().delete_consumer(section.stream, consumer_info.name)
        await publish(range(before, before + 3))
        await stream._go_on()  # the client calls it when it is connected again
        assert await received(before + 3)
        assert [len(stream.of(str(number))) for number in range(before + 3)] == [1] * (before + 3)
    finally:
        await stream.close()


async def _are_received(stream: NatsStream, count: int) -> bool:
    return len(stream.all()) >= count


@pytest.mark.parametrize(
    ("name", "most", "words"),
    [
        ("MOST_EVENTS", 3, "more than 3 events or"),
        ("MOST_BYTES", 100, "events or 100 bytes: too many to keep"),
        ("MOST_EVENT_BYTES", 20, "an event of more than 20 bytes: too long to read"),
    ],
)
async def test_events_beyond_what_is_kept_are_told(
    name: str, most: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is asked then, the answer is none: a missing event may be among those that were not kept."""
    monkeypatch.setattr(collector, name, most)
    section = EventSink(url=SecretStr("nats://127.0.0.1:1"), stream="S", subject="s")
    stream = NatsStream(section, "id")
    for number in range(4):
        data = json.dumps({"id": number, "data": {"id": str(number)}}).encode()
        message = Msg(Client(), subject="s", reply="$JS.ACK.S.c.1.1.1.1.0", data=data)
        await stream._receive(message)
    for ask in (lambda: stream.of("0"), lambda: stream.mentioning("x"), stream.all):
        with pytest.raises(Inconclusive, match=words):
            ask()
    assert not stream._events._events


async def test_single_rows_are_read_and_nothing_can_be_written(engines: EngineSet) -> None:
    """Also where a pooler has dropped the option that says so: then each transaction says it."""
    query = "select %(id)s as id, pg_current_xact_id_if_assigned() is null as reads"
    for option in ("", "-c default_transaction_read_only=off"):
        table = PostgresTable("the primary", engines.admin_dsn, SqlSink(dsn=SecretStr(""), by_id=query))
        with pytest.MonkeyPatch.context() as patch:
            if option:
                patch.setattr(postgres, "_READ_ONLY", option)
            assert await table.by_id("1") == [{"id": "1", "reads": True}]
        writing = "select lo_create(0)::text as id, %(id)s as given"
        table._queries = SqlSink(dsn=SecretStr(""), by_id=writing)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await table.by_id("1")
        table._queries = SqlSink(dsn=SecretStr(""), by_id=query)
        assert await table.by_id("2") == [{"id": "2", "reads": True}]
        await table.close()


async def test_a_role_that_may_write_is_told(engines: EngineSet) -> None:
    """The one that the reference gives to the tester may not."""
    table = PostgresTable("the primary", engines.admin_dsn, SqlSink(dsn=SecretStr(""), by_id=ROWS))
    assert await table.can_write() == "DELETE, INSERT, TRUNCATE, UPDATE"
    await table.close()
