"""A load of 200 creates a second for ten seconds: every one of them is verified on each broker."""

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import nats
import pytest
import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from typer.testing import CliRunner

from createflow.cli.app import app
from tests.scenarios.sinks import servers

pytestmark = [pytest.mark.thorough, pytest.mark.xdist_group("bench_verifies")]
RATE, SECONDS = 200, 10
Publish = Callable[[bytes], Awaitable[Any]]


@asynccontextmanager
async def to_kafka(address: str) -> AsyncIterator[Publish]:
    """A producer."""
    aiokafka: Any = pytest.importorskip("aiokafka")
    admin: Any = pytest.importorskip("aiokafka.admin")
    client = admin.AIOKafkaAdminClient(bootstrap_servers=address)
    await client.start()
    await client.create_topics([admin.NewTopic("orders", 3, 1)])
    await client.close()
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=address) as producer:

        async def publish(data: bytes) -> None:
            await producer.send_and_wait("orders", data)

        yield publish


@asynccontextmanager
async def to_rabbitmq(server: servers.RabbitServer) -> AsyncIterator[Publish]:
    """A publisher with confirms."""
    aio_pika: Any = pytest.importorskip("aio_pika")
    async with await aio_pika.connect(f"amqp://guest:guest@{servers.HOST}:{server.port}/") as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange("orders", aio_pika.ExchangeType.FANOUT)

        async def publish(data: bytes) -> None:
            await exchange.publish(aio_pika.Message(data), "")

        yield publish


@asynccontextmanager
async def to_redis(address: str) -> AsyncIterator[Publish]:
    """A connection that may write."""
    redis = Redis.from_url(f"redis://app:app@{address}/0")

    async def publish(data: bytes) -> None:
        await redis.xadd("orders", {"event": data})

    yield publish
    await redis.aclose()


@asynccontextmanager
async def to_nats(address: str) -> AsyncIterator[Publish]:
    """A publisher with acknowledgements."""
    client = await nats.connect(f"nats://{address}")
    stream = client.jetstream()
    await stream.add_stream(name="ORDERS", subjects=["orders.>"])

    async def publish(data: bytes) -> None:
        await stream.publish("orders.created", data)

    yield publish
    await client.close()


ENGINES: dict[str, tuple[Any, Any, Callable[[Any], str]]] = {
    "kafka": (servers.kafka, to_kafka, lambda address: f'url = "kafka://{address}"\ntopic = "orders"'),
    "rabbitmq": (
        servers.rabbitmq,
        to_rabbitmq,
        lambda server: f'url = "amqp://guest:guest@{servers.HOST}:{server.port}/"\nexchange = "orders"',
    ),
    "nats": (
        servers.nats,
        to_nats,
        lambda address: f'url = "nats://{address}"\nstream = "ORDERS"\nsubject = "orders.created"',
    ),
    "redis_stream": (
        servers.valkey,
        to_redis,
        lambda address: f'url = "redis://reader:reader@{address}/0"\nstream = "orders"\nentry_field = "event"',
    ),
}


@contextmanager
def api(publishing: Any, *, loses: int = 0) -> Iterator[str]:
    """An endpoint that publishes each create before it answers; it loses the event of one in ``loses``."""
    numbers = itertools.count(1)
    port = servers.free_port()
    ready = threading.Event()
    server: list[uvicorn.Server] = []

    async def main() -> None:
        async with publishing as publish:

            async def create(request: Request) -> JSONResponse:
                number = next(numbers)
                resource = {"id": str(number), **await request.json()}
                if not loses or number % loses:
                    await publish(json.dumps({"id": f"e{number}", "data": resource}).encode())
                return JSONResponse(resource, 201, headers={"location": f"/orders/{number}"})

            routes = [Route("/orders", create, methods=["POST"])]
            config = uvicorn.Config(Starlette(routes=routes), port=port, log_level="error", lifespan="off")
            server.append(uvicorn.Server(config))
            ready.set()
            await server[0].serve()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(20)
    while not servers.answers(port)():
        assert thread.is_alive()
    yield f"http://{servers.HOST}:{port}"
    server[0].should_exit = True
    thread.join()


@pytest.mark.parametrize("loses", [0, 500])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_create_is_verified(engine: str, loses: int, tmp_path: Path) -> None:
    """And those whose event was lost are missing."""
    start, publish, section = ENGINES[engine]
    profile, report = tmp_path / "createflow.toml", tmp_path / "load.json"
    folder = tmp_path / "server"
    folder.mkdir()
    with start(folder) as place, api(publish(place), loses=loses) as base_url:
        profile.write_text(
            f'[target]\nbase_url = "{base_url}"\npath = "/orders"\nbody = {{ name = "x", price = 5 }}\n'
            f"[target.fields]\ncreated_at = ''\ncreated_by = ''\n[sinks.events]\n{section(place)}\n"
        )
        load = ["--rate", f"{RATE}", "--duration", f"{SECONDS}s", "--warmup", "0s", "--mix", "create=100"]
        done = CliRunner().invoke(
            app, ["bench", "--profile", str(profile), *load, "--report", f"json={report}", "--wait-for-lease", "5s"]
        )
    assert report.exists(), done.output
    told = json.loads(report.read_text())["verification"]
    (events,) = [sink for sink in told["sinks"] if sink["sink"] == "events"]
    count = told["accepted"]
    assert count >= RATE * SECONDS - 5
    lost = sum(1 for number in range(1, count + 10) if loses and not number % loses)
    assert events["error"] == ""
    assert abs(events["missing"] - lost) <= (1 if loses else 0)
    assert events["found"] == count - events["missing"]
    assert (events["duplicated"], events["altered"], events["phantom"]) == (0, 0, 0)
