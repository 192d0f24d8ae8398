"""The event stream of a real broker: what counts as published is there, once."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from nats.aio.client import Client

from createflow.reference_server.adapters import nats_bus
from createflow.reference_server.adapters.nats_stream import NatsStream
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.ports import StreamLostError, UnavailableError
from tests.reference_server.engine_set import EngineSet

pytestmark = pytest.mark.anyio


def _events(count: int) -> list[ResourceEvent]:
    now = datetime.now(UTC)
    return [
        ResourceEvent(uuid.uuid4().hex, "created", f"id-{number}", 1, "alice", "request", now, b'{"n":%d}' % number)
        for number in range(count)
    ]


@pytest.fixture
async def client(engines: EngineSet) -> AsyncIterator[Client]:
    """A connection."""
    client = await nats_bus.connect(engines.nats_urls["worker"], "worker", kind="worker")
    yield client
    await client.close()


@pytest.fixture
def prefix() -> str:
    """Subjects of the test's own."""
    return f"t{uuid.uuid4().hex[:12]}"


async def test_what_is_acknowledged_is_there_once_and_in_order(client: Client, prefix: str) -> None:
    """Also when the same events are published again."""
    stream = NatsStream(prefix)
    consumer = stream.consumer("reader", "created")
    await stream.use(client)
    assert await stream.is_missing()
    await stream.make()
    assert not await stream.is_missing()
    events = _events(200)
    assert await stream.publish(events) == 200
    (new,) = _events(1)
    assert await stream.publish([*events, new]) == 201
    seen: list[ResourceEvent] = []
    while len(seen) < 201:
        async with consumer.fetch(300) as delivery:
            assert delivery.events
            seen += delivery.events
            await delivery.settle([True] * len(delivery.events))
    assert seen == [*events, new]


async def test_nothing_counts_as_published_without_a_stream(client: Client, operator: Client, prefix: str) -> None:
    """Before it was made, and after it was lost: who makes it again publishes everything anew."""
    stream = NatsStream(prefix)
    with pytest.raises(UnavailableError):
        await stream.publish(_events(1))
    await stream.use(client)
    await stream.make()
    await operator.jetstream().delete_stream(f"{prefix.upper()}_EVENTS")
    with pytest.raises(StreamLostError):
        await stream.publish(_events(3))
    assert await stream.is_missing()
    await stream.make()
    assert await stream.publish(_events(3)) == 3


async def test_what_follows_a_refused_event_does_not_count(client: Client, operator: Client, prefix: str) -> None:
    """The relay goes on behind the last one without a gap before it."""
    stream = NatsStream(prefix)
    await stream.use(client)
    await stream.make()
    first, second, third = _events(3)
    name = f"{prefix.upper()}_EVENTS"
    config = (await operator.jetstream().stream_info(name)).config
    config.max_msg_size = 1000
    await operator.jetstream().update_stream(config)
    large = replace(second, document=b'"%s"' % (b"x" * 2000))
    assert await stream.publish([first, large, third]) == 1
