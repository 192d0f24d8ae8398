"""Request and reply over a real broker: together on the way, each answered for itself."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from createflow.reference_server.adapters import nats_bus
from createflow.reference_server.adapters.nats_bus import NatsBus
from createflow.reference_server.adapters.nats_subscriber import NatsService
from createflow.reference_server.domain.port import Answer, UnavailableError, UnknownOutcomeError
from createflow.reference_server.domain.version_watermarks import Floors
from tests.reference_server.engine_set import EngineSet

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Instance:
    """Answers with what it was asked, except what it is told to keep; and notes what came in one turn."""

    kept: list[tuple[bytes, Callable[[Answer], None]]] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)

    def accept(self, envelope: bytes, respond: Callable[[Answer], None]) -> None:
        """One request."""
        self.seen.append(envelope)
        if envelope.startswith(b"keep"):
            self.kept.append((envelope, respond))
        else:
            respond(Answer(200, document=envelope))


@dataclass(slots=True)
class Wire:
    """A gateway's bus, and a way to add instances."""

    bus: NatsBus
    prefix: str
    url: str
    scope: AsyncExitStack

    async def join(self) -> Instance:
        """One more instance."""
        instance = Instance()
        client = await nats_bus.connect(self.url, "instance")
        self.scope.push_async_callback(client.close)
        await NatsService(self.prefix, Floors()).join(client, instance.accept)
        return instance


@pytest.fixture
async def wire(engines: EngineSet) -> AsyncIterator[Wire]:
    """On subjects of its own."""
    prefix, url = f"t{uuid.uuid4().hex[:12]}", engines.settings.nats_url
    async with AsyncExitStack() as scope:
        client = await nats_bus.connect(url, "gateway", buffered=False)
        scope.push_async_callback(client.close)
        bus = NatsBus(prefix, timeout_s=1.0)
        await bus.use(client)
        yield Wire(bus, prefix, url, scope)


async def test_each_gets_its_own_answer(wire: Wire) -> None:
    """More requests at once than one message holds, some of them large."""
    instance = await wire.join()
    envelopes = [b"%d " % number + b"x" * (20_000 if number % 3 else 1) for number in range(150)]
    answers = await asyncio.gather(*(wire.bus.request(envelope) for envelope in envelopes))
    assert [answer.document for answer in answers] == envelopes
    assert instance.seen == envelopes


async def test_a_slow_one_does_not_hold_the_others(wire: Wire) -> None:
    """Although they came in the same message."""
    instance = await wire.join()
    slow = asyncio.create_task(wire.bus.request(b"keep it"))
    assert (await wire.bus.request(b"quick")).document == b"quick"
    assert not slow.done()
    ((envelope, respond),) = instance.kept
    respond(Answer(201, document=envelope))
    assert (await slow).status == 201


async def test_without_an_instance_the_refusal_comes_at_once(wire: Wire) -> None:
    """For all who travelled together; after the time is over it would be another error."""
    asked = [wire.bus.request(b"1"), wire.bus.request(b"2")]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [UnavailableError, UnavailableError]


async def test_without_an_answer_in_time_the_outcome_is_unknown(wire: Wire) -> None:
    """For the one that has none; a late answer harms nobody."""
    instance = await wire.join()
    answers = await asyncio.gather(wire.bus.request(b"keep"), wire.bus.request(b"quick"), return_exceptions=True)
    assert isinstance(answers[0], UnknownOutcomeError)
    assert isinstance(answers[1], Answer)
    instance.kept[0][1](Answer(201))
    assert (await wire.bus.request(b"again")).document == b"again"


async def test_who_goes_away_does_not_disturb_the_others(wire: Wire) -> None:
    """A client that hangs up takes only its own answer with it."""
    await wire.join()
    gone = asyncio.create_task(wire.bus.request(b"gone"))
    stays = asyncio.create_task(wire.bus.request(b"stays"))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).document == b"stays"
    assert gone.cancelled()
