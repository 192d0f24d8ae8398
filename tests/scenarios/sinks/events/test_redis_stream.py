"""Redis Streams, on a Valkey with a user that may only read."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from redis.asyncio import Redis

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.registry import event_stream
from tests.scenarios.sinks.events.stream_contract import Broker, EventStreamContract, opened
from tests.scenarios.sinks.servers import valkey

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
