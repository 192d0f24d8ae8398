"""Kafka, on a broker that speaks its protocol: read by assignment, with no group."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.sinks.events.kafka import KafkaSource
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import KafkaSink
from tests.scenarios.sinks.events.stream_contract import Broker, EventStreamContract, opened
from tests.scenarios.sinks.servers import HOST, Certificates, free_port, kafka, tls_before

aiokafka: Any = pytest.importorskip("aiokafka", reason="the extra kafka is not installed")
aiokafka_admin: Any = pytest.importorskip("aiokafka.admin", reason="the extra kafka is not installed")
pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("kafka")]
PARTITIONS = 3


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One broker for the session."""
    with kafka(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.fixture
async def broker(server: str) -> AsyncIterator[Broker]:
    """A topic of the test's own with three partitions."""
    topic = f"t{uuid.uuid4().hex[:8]}"
    admin = aiokafka_admin.AIOKafkaAdminClient(bootstrap_servers=server)
    await admin.start()
    await admin.create_topics([aiokafka_admin.NewTopic(topic, PARTITIONS, 1)])
    await admin.close()
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=server)
    await producer.start()
    sent = 0

    async def publish(data: bytes, headers: Mapping[str, str], _: str) -> None:
        nonlocal sent
        pairs = [(name, value.encode()) for name, value in headers.items()]
        # All of one test's events on one partition, so that their order is that of their publishing.
        await producer.send_and_wait(topic, data, headers=pairs, partition=int(topic[1:], 16) % PARTITIONS)
        sent += 1

    yield Broker(
        section={"url": f"kafka://{server}", "topic": topic},
        publish=publish,
        wrong_credential={},
        wrong_place={"topic": topic[:-1] + "x"},
        place_words=f"no topic .*the nearest is {topic}; check sinks.events.topic",
        has_no_credentials=True,
    )
    await producer.stop()


class TestKafka(EventStreamContract):
    """As every engine."""


async def test_a_tombstone_is_no_event(broker: Broker, server: str) -> None:
    """Compacted topics have them."""
    topic = broker.section["topic"]
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=server)
    async with opened(broker.events()) as stream, producer:
        await producer.send_and_wait(topic, None, key=b"k", partition=0)
        await broker.create(1)
        while not stream.of("r1"):
            await asyncio.sleep(0.01)
        assert len(stream.all()) == 1


async def test_it_joins_no_group(broker: Broker, server: str) -> None:
    """So nothing is committed, and no other consumer gets less."""
    async with opened(broker.events()) as stream:
        await broker.create(1)
        while not stream.of("r1"):
            await asyncio.sleep(0.01)
    admin = aiokafka_admin.AIOKafkaAdminClient(bootstrap_servers=server)
    await admin.start()
    try:
        assert await admin.list_consumer_groups() == []
    finally:
        await admin.close()


async def test_a_broker_that_wants_sasl_refuses_a_wrong_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The message names the keys."""
    with kafka(tmp_path_factory.mktemp("kafka-sasl"), "--authentication") as address:
        section = KafkaSink.model_validate(
            {"url": f"kafka://me:wrong@{address}", "topic": "t", "sasl_mechanism": "SCRAM-SHA-256"}
        )
        source = KafkaSource(section)
        with pytest.raises(SinkFailed, match=r"check user and password of sinks\.events\.url, and sasl_mechanism"):
            await source.open()
        await source.close()


def test_a_url_without_a_broker_is_refused() -> None:
    """Before anything is connected."""
    with pytest.raises(UserError, match="names no broker"):
        KafkaSource(KafkaSink.model_validate({"url": "kafka://", "topic": "t"}))


async def test_an_encrypted_connection_verifies_the_broker(tmp_path: Path) -> None:
    """With the authority that the profile names, and with no other."""
    certificates, port = Certificates.made_in(tmp_path), free_port()
    with kafka(tmp_path, advertised=port) as address:
        async with tls_before(int(address.rpartition(":")[2]), certificates, port):
            for authority, words in (
                (certificates.ca, "no topic t "),
                (certificates.other_ca, "check sinks.events.url"),
            ):
                section = {"url": f"kafkas://{HOST}:{port}", "topic": "t", "ca_file": str(authority)}
                source = KafkaSource(KafkaSink.model_validate(section))
                with pytest.raises(SinkFailed, match=words):
                    await source.open()
                await source.close()
