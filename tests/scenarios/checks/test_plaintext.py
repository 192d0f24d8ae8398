"""A server that carries out what is sent in the clear is accused, and no secret is sent to find out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from createflow.scenarios.checks.api.https_request.plaintext import plaintext_creates_nothing
from createflow.scenarios.outcome import Expectation, Inconclusive
from createflow.scenarios.target.http_client import NoConnection, NoReply
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import RawExchange
from createflow.scenarios.target.raw_http import RawSocket
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Profile
from createflow.schemas.report import Exchange
from tests.scenarios.checks.memory_target import MemoryTarget

pytestmark = pytest.mark.anyio
ANSWERS = {
    "201": b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
    "401": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
    "308": b"HTTP/1.1 308 Permanent Redirect\r\nContent-Length: 0\r\n\r\n",
    "an alert": b"\x15\x03\x01\x00\x02\x02\x0a",
}
WRITER = Principal("writer", "secret-token")


@asynccontextmanager
async def _answering(answer: bytes) -> AsyncIterator[RawSocket]:
    """A socket to a server that answers so to whatever it is sent, believed to speak TLS."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield _raw(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")


def _raw(base_url: str) -> RawSocket:
    target = {"base_url": base_url, "headers": {"X-Key": "secret-key"}}
    return RawSocket(RunContext(Profile.model_validate({"target": target}), "run", Mask()))


@dataclass
class Rows:
    """Fills the role Primary."""

    found: list[dict[str, Any]] = field(default_factory=list)

    async def by_name(self, _: str) -> list[dict[str, Any]]:
        """What is there."""
        return self.found


async def _run(raw: Any, primary: Rows | None = None) -> None:
    await plaintext_creates_nothing.function(target=MemoryTarget(writer=WRITER), raw=raw, primary=primary)


async def test_a_create_in_the_clear_that_is_accepted_is_accused() -> None:
    """The finding shows the address as it was called."""
    async with _answering(ANSWERS["201"]) as raw:
        with pytest.raises(Expectation, match="without TLS; seen 201") as caught:
            await _run(raw)
    assert caught.value.exchanges[0].url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("answer", ["308", "401", "an alert"])
async def test_a_create_in_the_clear_that_is_refused_passes(answer: str) -> None:
    """Unless it left a row all the same."""
    async with _answering(ANSWERS[answer]) as raw:
        await _run(raw, Rows())
        with pytest.raises(Expectation, match="no row"):
            await _run(raw, Rows([{"id": 1}]))


@dataclass
class Elsewhere:
    """A target on another machine: what it is sent, and what it answers at which port."""

    raw: RawSocket
    answers: dict[int | None, bytes]
    is_local: bool = False
    authority: str = "target.example:8443"
    sent: list[bytes] = field(default_factory=list)

    def request(self, body: bytes, **options: Any) -> bytes:
        """The real one."""
        return self.raw.request(body, **options)

    async def send_plaintext(self, request: bytes, *, port: int | None = None) -> RawExchange:
        """The answer of the port."""
        self.sent.append(request)
        if port not in self.answers:
            raise NoConnection("nobody", Exchange(method="POST", url="http://target.example"))
        async with _answering(self.answers[port]) as raw:
            return await raw.send_plaintext(request)


def _elsewhere(answers: dict[int | None, bytes]) -> Elsewhere:
    return Elsewhere(_raw("https://target.example:8443"), answers)


async def test_port_80_of_another_machine_is_tried_and_may_be_closed() -> None:
    """Its own port must take the call."""
    await _run(_elsewhere({None: ANSWERS["an alert"]}))
    await _run(_elsewhere({None: ANSWERS["an alert"], 80: ANSWERS["308"]}))
    with pytest.raises(Expectation, match="without TLS"):
        await _run(_elsewhere({None: ANSWERS["an alert"], 80: ANSWERS["201"]}))
    with pytest.raises(NoReply):
        await _run(_elsewhere({80: ANSWERS["308"]}))


async def test_no_secret_goes_to_another_machine_in_the_clear() -> None:
    """So that a port which asks for a token stays in doubt."""
    raw = _elsewhere({None: ANSWERS["an alert"], 80: ANSWERS["401"]})
    with pytest.raises(Inconclusive, match="port 80 asks for a token"):
        await _run(raw)
    assert len(raw.sent) == 2
    assert all(b"secret" not in sent for sent in raw.sent)
    assert b"\r\nHost: target.example\r\n" in raw.sent[1]
