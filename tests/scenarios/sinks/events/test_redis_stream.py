"""Redis Streams, on a Valkey with a user that may only read."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from redis.asyncio import Redis

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.redis import RedisCache
from createflow.scenarios.sinks.registry import audit_table, event_stream
from createflow.schemas.profile import Profile
from createflow.schemas.profile_sinks import CacheSink
from tests.scenarios.sinks.events.stream_contract import Broker, EventStreamContract, at_last, opened
from tests.scenarios.sinks.servers import documented, valkey

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("valkey")]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for the session."""
    with valkey(tmp_path_factory.mktemp("valkey")) as address:
        yield address


@pytest.fixture
async def writer(server: str) -> AsyncIterator[Redis]:
    """A connection that may write."""
    redis = Redis.from_url(f"redis://app:app@{server}/0")
    yield redis
    await redis.aclose()


@pytest.fixture
async def broker(server: str, writer: Redis) -> Broker:
    """A stream of the test's own."""
    stream = f"s{uuid.uuid4().hex[:8]}"

    async def publish(data: bytes, headers: Mapping[str, str], _: str) -> None:
        await writer.xadd(stream, {"event": data, **headers})

    await writer.set(f"{stream}-text", "x")
    return Broker(
        section={"url": f"redis://reader:reader@{server}/0", "stream": stream, "entry_field": "event"},
        publish=publish,
        wrong_credential={"url": f"redis://reader:wrong@{server}/0"},
        wrong_place={"stream": f"{stream}-text"},
        place_words="WRONGTYPE.* check sinks.events.stream",
    )


class TestRedisStream(EventStreamContract):
    """As every engine."""


async def test_an_entry_can_be_the_event_itself(broker: Broker, writer: Redis) -> None:
    """Its fields are members, and those that are JSON objects are read as such."""
    async with opened(broker.events(entry_field=None)) as stream:
        await writer.xadd(broker.section["stream"], {"id": "7", "data": '{"id": "r1", "price": 2}'})
        while not stream.of("r1"):
            await asyncio.sleep(0.01)
        (event,) = stream.of("r1")
        assert (event.id, event.resource) == ("7", {"id": "r1", "price": 2})


async def test_a_stream_that_dropped_its_events_cannot_be_counted(broker: Broker, writer: Redis) -> None:
    """What is missing may have been dropped."""
    await broker.create(1)
    replay = await event_stream(broker.events()).begin_replay()  # type: ignore[arg-type]
    await broker.create(2)
    await writer.xtrim(broker.section["stream"], maxlen=1, approximate=False)
    with pytest.raises(NotDeclared, match="has dropped events since the run began"):
        assert [page async for page in replay.pages()]
    await replay.close()


async def test_an_audit_trail_can_be_a_stream(broker: Broker) -> None:
    """An entry that is delivered again is no second one."""
    fields = {"actor": "/by/sub", "action": "/what", "resource_id": "/order"}
    audit = {"kind": "events", "stream": {**broker.section, "fields": fields}}
    raw = {"target": {"base_url": "http://127.0.0.1:1"}, "sinks": {"audit": audit}}
    table = audit_table(Profile.model_validate(raw).sinks)
    assert table is not None
    await broker.put({"id": "0", "by": {"sub": "ann"}, "what": "create", "order": "r1"})
    await table.open()
    try:
        for one_id, who in (("1", "ann"), ("1", "ann"), ("2", "bob")):
            await broker.put({"id": one_id, "by": {"sub": who}, "what": "create", "order": "r1"})
        assert [(row["actor"], row["action"]) for row in await table.by_id("r1")] == [
            ("ann", "create"),
            ("bob", "create"),
        ]
        assert await table.by_id("r2") == []
        assert len(await table.by_actor("bob")) == 1
    finally:
        await table.close()


async def test_a_user_who_may_write_is_told(server: str, broker: Broker) -> None:
    """Who may only read is not."""
    for user, may in (("app:app", True), ("reader:reader", False)):
        stream = event_stream(broker.events(url=f"redis://{user}@{server}/0"))  # type: ignore[arg-type]
        await stream.open()
        assert bool(await stream.can_write()) is may  # type: ignore[attr-defined]
        await stream.close()


async def test_the_documented_rights_are_enough(server: str, writer: Redis, broker: Broker) -> None:
    """The commands of docs/sinks.md, for a stream and for a cache, with their names."""
    for heading in ("Redis Streams", "Redis and Valkey as a cache"):
        (command,) = documented(heading, "text")
        await writer.execute_command(*command.split())
    url = f"redis://createflow:secret@{server}/0"
    await writer.set("order:r1", '{"id": "r1", "name": "in the cache"}')
    cached = await RedisCache(CacheSink.model_validate({"url": url, "key": "order:{id}"})).open()
    try:
        assert await cached.value("r1") == {"id": "r1", "name": "in the cache"}
        assert await cached.keys_holding("in the cache") == ["order:r1"]
        assert await cached.can_write() == ""
    finally:
        await cached.close()
    await writer.execute_command("ACL", "DELUSER", "createflow")
    await writer.execute_command(*documented("Redis Streams", "text")[0].split())
    async with opened(broker.events(url=url, stream="orders")) as stream:
        await writer.xadd("orders", {"event": '{"id": "1", "data": {"id": "r1"}}'})
        await at_last(lambda: len(stream.of("r1")), 1)
