"""Request and reply over a real broker: requests are sent in batches, and each gets its own reply."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from createflow.reference_server.adapters import nats_bus
from createflow.reference_server.adapters.nats_bus import NatsBus
from createflow.reference_server.adapters.nats_codec import decode_request
from createflow.reference_server.adapters.nats_subscriber import NatsSubscriber
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.ports import ServiceReply, UnavailableError, UnknownOutcomeError
from createflow.reference_server.domain.read_your_writes import VersionWatermarks
from tests.reference_server.engine_set import EngineSet

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Instance:
    """Replies with the query of each request, except those that begin with ``keep``; records all queries."""

    kept: list[tuple[str, Callable[[ServiceReply], None]]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def accept(self, request: bytes, respond: Callable[[ServiceReply], None]) -> None:
        """Take one request."""
        query = decode_request(request).query
        self.seen.append(query)
        if query.startswith("keep"):
            self.kept.append((query, respond))
        else:
            respond(ServiceReply(200, document=query.encode()))


@dataclass(slots=True)
class Wire:
    """A gateway's bus, and a way to add instances."""

    bus: NatsBus
    prefix: str
    url: str
    scope: AsyncExitStack

    async def ask(self, query: str) -> ServiceReply:
        """Send one request."""
        return await self.bus.request(Job(request_id="request-1", op="search", query=query))

    async def join(self) -> Instance:
        """Add one more instance."""
        instance = Instance()
        client = await nats_bus.connect(self.url, "instance", kind="service")
        self.scope.push_async_callback(client.close)
        subscriber = NatsSubscriber(self.prefix, VersionWatermarks())
        await subscriber.hear(client)
        await subscriber.join(client, instance.accept)
        while not await self._has_instance():  # the library's flush may overtake the subscription
            await asyncio.sleep(0)
        instance.seen.clear()
        return instance

    async def _has_instance(self) -> bool:
        try:
            await self.ask("is an instance there?")
        except UnavailableError:
            return False
        return True


@pytest.fixture
async def wire(engines: EngineSet) -> AsyncIterator[Wire]:
    """A bus with subjects for this test only."""
    prefix, urls = f"t{uuid.uuid4().hex[:12]}", engines.nats_urls
    async with AsyncExitStack() as scope:
        client = await nats_bus.connect(urls["gateway"], "gateway", kind="gateway", buffered=False)
        scope.push_async_callback(client.close)
        bus = NatsBus(prefix, timeout_s=10.0)
        await bus.use(client)
        yield Wire(bus, prefix, urls["service"], scope)


async def test_each_gets_its_own_answer(wire: Wire) -> None:
    """More requests at once than one message holds, some of them large."""
    instance = await wire.join()
    queries = [f"{number} " + "x" * (20_000 if number % 3 else 1) for number in range(150)]
    replies = await asyncio.gather(*(wire.ask(query) for query in queries))
    assert [reply.document.decode() for reply in replies] == queries
    assert instance.seen == queries


async def test_a_slow_one_does_not_hold_the_others(wire: Wire) -> None:
    """Although they came in the same batch."""
    instance = await wire.join()
    slow = asyncio.create_task(wire.ask("keep it"))
    assert (await wire.ask("quick")).document == b"quick"
    assert not slow.done()
    ((query, respond),) = instance.kept
    respond(ServiceReply(201, document=query.encode()))
    assert (await slow).status == 201


async def test_without_an_instance_the_refusal_comes_at_once(wire: Wire) -> None:
    """For all requests of the batch; a timeout would be another error."""
    requests = [wire.ask("1"), wire.ask("2")]
    answers = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(answer) for answer in answers] == [UnavailableError, UnavailableError]


async def test_without_an_answer_in_time_the_outcome_is_unknown(wire: Wire) -> None:
    """For the request without a reply; a late reply does no harm."""
    wire.bus._timeout_s = 0.5
    instance = await wire.join()
    answers = await asyncio.gather(wire.ask("keep"), wire.ask("quick"), return_exceptions=True)
    assert isinstance(answers[0], UnknownOutcomeError)
    assert isinstance(answers[1], ServiceReply)
    instance.kept[0][1](ServiceReply(201))
    assert (await wire.ask("again")).document == b"again"


async def test_a_cancelled_request_does_not_disturb_the_others(wire: Wire) -> None:
    """Only its own reply is lost."""
    await wire.join()
    gone = asyncio.create_task(wire.ask("gone"))
    stays = asyncio.create_task(wire.ask("stays"))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).document == b"stays"
    assert gone.cancelled()
