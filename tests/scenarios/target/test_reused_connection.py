"""A reused connection that ends without a byte of a reply, over real sockets: no verdict, and a read goes out again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Profile

pytestmark = pytest.mark.anyio
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def connected(*, answers: int = 1, part: bytes = b"") -> AsyncIterator[tuple[HttpConnection, list[bytes]]]:
    """A connection to a server that answers so many requests of each connection, then reads one more and closes.

    Args:
        answers: of each connection.
        part: of a reply, which is sent before it closes.
    """
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for number in range(answers + 1):
                seen.append((await reader.readuntil(b"\r\n\r\n")).split(b" ")[0])
                writer.write(REPLY if number < answers else part)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    profile = Profile.model_validate({"target": {"base_url": url, "timeout_s": 5.0}})
    connection = HttpConnection(RunContext(profile, "ab12", Mask()))
    async with server:
        try:
            yield connection, seen
        finally:
            await connection.close()


async def test_a_read_goes_out_once_more() -> None:
    """On a new connection, and it is counted."""
    async with connected() as (connection, seen):
        for _ in range(3):
            assert (await connection.send("GET", "/x", ANONYMOUS, {}, None)).status == 200
        assert seen == [b"GET"] * 5
        assert connection.context.traffic.resent == 2


async def test_what_changes_something_does_not() -> None:
    """Nobody knows whether the first one did."""
    async with connected() as (connection, seen):
        assert (await connection.send("DELETE", "/x", ANONYMOUS, {}, None)).status == 200
        with pytest.raises(NoReply):
            await connection.send("DELETE", "/x", ANONYMOUS, {}, None)
        assert seen == [b"DELETE"] * 2


@pytest.mark.parametrize(("answers", "part"), [(0, b""), (1, b"HTTP/1.1 200 OK\r\n")])
async def test_what_is_the_targets_fault_stays_so(answers: int, part: bytes) -> None:
    """A connection that never answered, and a reply that breaks off."""
    async with connected(answers=answers, part=part) as (connection, seen):
        for _ in range(answers):
            await connection.send("GET", "/x", ANONYMOUS, {}, None)
        with pytest.raises(NoReply):
            await connection.send("GET", "/x", ANONYMOUS, {}, None)
        assert len(seen) == answers + 1
