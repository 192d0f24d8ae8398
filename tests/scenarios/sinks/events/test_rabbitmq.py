"""RabbitMQ: a queue of the run's own, which is gone with it."""

import asyncio
import os
import shlex
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.sinks.events.rabbitmq import RabbitSource
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.sinks.registry import event_stream
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import RabbitSink
from tests.scenarios.sinks.events.stream_contract import Broker, EventStreamContract, at_last, opened
from tests.scenarios.sinks.servers import HOST, Certificates, RabbitServer, documented, rabbitmq, required, tls_before

aio_pika: Any = pytest.importorskip("aio_pika", reason="the extra rabbitmq is not installed")
pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("rabbitmq")]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """One broker for the session."""
    with rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as running:
        yield running


@pytest.fixture
async def channel(server: RabbitServer) -> AsyncIterator[Any]:
    """A publisher's."""
    connection = await aio_pika.connect(f"amqp://guest:guest@{HOST}:{server.port}/")
    yield await connection.channel()
    await connection.close()


@pytest.fixture
async def broker(server: RabbitServer, channel: Any) -> Broker:
    """A topic exchange of the test's own."""
    name = f"x{uuid.uuid4().hex[:8]}"
    exchange = await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, auto_delete=False)

    async def publish(data: bytes, headers: Mapping[str, str], subject: str) -> None:
        await exchange.publish(aio_pika.Message(data, headers=dict(headers)), subject)

    return Broker(
        section={"url": f"amqp://guest:guest@{HOST}:{server.port}/", "exchange": name},
        publish=publish,
        wrong_credential={"url": f"amqp://guest:wrong@{HOST}:{server.port}/"},
        wrong_place={"exchange": f"{name}-not"},
        place_words="NOT_FOUND.* check sinks.events.exchange",
    )


class TestRabbitmq(EventStreamContract):
    """As every engine."""


async def test_routing_keys_choose_and_tell(broker: Broker) -> None:
    """The queue is bound with one, and a key tells what happened."""
    section = broker.events(routing_key="orders.*", type="@subject", created_types=["orders.created"])
    async with opened(section) as stream:
        for key in ("orders.created", "orders.updated", "stock.created"):
            await broker.put({"id": key, "data": {"id": "r1"}}, subject=key)
        await at_last(lambda: len(stream.all()), 2)
        assert [(event.id, event.kind) for event in stream.of("r1")] == [("orders.created", "created")]


async def test_the_queue_is_gone_with_the_run(broker: Broker, channel: Any) -> None:
    """Nothing stays on the broker."""
    source = RabbitSource(RabbitSink.model_validate(broker.section))
    await source.open()
    name = source._queue.name
    await source.close()

    async def is_there() -> bool:
        other = await channel._connection.channel()
        try:
            await other.get_queue(name, ensure=True)
        except Exception as error:  # noqa: BLE001 - of the library, by what the broker says
            return "NOT_FOUND" not in str(error)
        return True

    while await is_there():
        await asyncio.sleep(0.02)


async def test_a_virtual_host_that_is_not_there_is_told(broker: Broker, server: RabbitServer) -> None:
    """With the key."""
    section = broker.events(url=f"amqp://guest:guest@{HOST}:{server.port}/nowhere")
    stream = event_stream(section)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="virtual host"):
        await stream.open()


@pytest.mark.parametrize("url", ["amqp://", "http://127.0.0.1/"])
def test_another_url_is_refused(url: str) -> None:
    """Before anything is connected."""
    with pytest.raises(UserError, match="is not one of RabbitMQ"):
        RabbitSource(RabbitSink.model_validate({"url": url, "exchange": "x"}))


async def test_an_encrypted_connection_verifies_the_broker(
    broker: Broker, server: RabbitServer, tmp_path: Path
) -> None:
    """With the authority that the profile names, and with no other."""
    certificates = Certificates.made_in(tmp_path)
    async with tls_before(server.port, certificates) as port:
        url = f"amqps://guest:guest@{HOST}:{port}/"
        async with opened(broker.events(url=url, ca_file=str(certificates.ca))) as stream:
            await broker.create(1)
            await at_last(lambda: len(stream.of("r1")), 1)
        source = RabbitSource(
            RabbitSink.model_validate({**broker.section, "url": url, "ca_file": str(certificates.other_ca)})
        )
        with pytest.raises(SinkFailed, match=r"(?i)certificate.*check sinks\.events\.url"):
            await source.open()


@pytest.mark.thorough
async def test_the_documented_rights_are_enough(broker: Broker, server: RabbitServer, channel: Any) -> None:
    """The commands of docs/sinks.md, with an exchange of that name."""
    for command in documented("RabbitMQ", "text"):
        words = shlex.split(command)
        program = required("/usr/lib/rabbitmq/bin/rabbitmqctl", "rabbitmq-server")
        process = await asyncio.create_subprocess_exec(
            program, *words[1:], env={**os.environ, **server.environment}, stdout=subprocess.DEVNULL
        )
        assert await process.wait() == 0
    exchange = await channel.declare_exchange("orders", aio_pika.ExchangeType.FANOUT)
    section = broker.events(url=f"amqp://createflow:secret@{HOST}:{server.port}/", exchange="orders")
    async with opened(section) as stream:
        await exchange.publish(aio_pika.Message(b'{"id": "1", "data": {"id": "r1"}}'), "")
        await at_last(lambda: len(stream.of("r1")), 1)
