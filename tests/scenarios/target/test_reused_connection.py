"""A reused connection that ends without a byte of a reply, over real sockets: no verdict, and a read goes out again."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore
import pytest

from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.http_client import BadReply, HttpConnection, NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.principal import ANONYMOUS, Principal
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
                header = await reader.readuntil(b"\r\n\r\n")
                if length := re.search(rb"(?i)content-length: (\d+)", header):
                    await reader.readexactly(int(length[1]))
                seen.append(header.split(b" ")[0])
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


async def test_what_was_not_written_whole_does() -> None:
    """The server had closed the connection before the header came, so it never had the body."""
    whole: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"ok")
        whole.append(b"POST")
        writer.write(REPLY)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    profile = Profile.model_validate({"target": {"base_url": url, "timeout_s": 5.0}})
    connection = HttpConnection(RunContext(profile, "ab12", Mask()))
    async with server:
        await connection.send("POST", "/x", ANONYMOUS, {}, b"ok")
        idle = connection._transport._pool._idle[f"{url}"]
        stream = idle[0][1]._connection._network_stream  # type: ignore[union-attr]
        with pytest.MonkeyPatch.context() as patched:

            async def broken(*_: object, **__: object) -> None:
                raise httpcore.WriteError from BrokenPipeError()

            patched.setattr(stream, "write", broken)
            patched.setattr(stream, "read", broken)
            assert (await connection.send("POST", "/x", ANONYMOUS, {}, b"ok")).status == 200
        await connection.close()
    assert (whole, connection.context.traffic.resent) == ([b"POST"] * 2, 1)


async def test_a_create_goes_out_with_another_body() -> None:
    """Nobody knows whether the first one was carried out: it counts as one that was never answered."""
    async with connected() as (connection, seen):
        contract = Contract(connection.context.target)
        target = HttpTarget(connection, contract, Principal("a", "token"), check_id="response.create_is_201")
        for _ in range(2):
            assert (await target.create()).status == 200
        assert seen == [b"POST"] * 3  # the second create twice
        assert connection.context.traffic.resent == 1
        assert connection.context.writes.unanswered
        assert (await target.create(b"{}")).status == 200  # on a new connection, now that it is known


async def test_a_create_with_a_body_of_its_own_does_not_go_out_again() -> None:
    """The check that made the body makes another: see ``run_check``."""
    async with connected() as (connection, seen):
        target = HttpTarget(connection, Contract(connection.context.target), Principal("a", "token"))
        await target.create()
        with pytest.raises(NoReply) as nothing:
            await target.create(b"{}")
        assert nothing.value.may_be_closing
        assert seen == [b"POST"] * 2


async def test_writes_get_new_connections_of_a_server_that_closes_idle_ones() -> None:
    """From the first time on, so that nothing which cannot go out again is lost."""
    async with connected() as (connection, seen):
        for _ in range(2):
            assert (await connection.send("GET", "/x", ANONYMOUS, {}, None)).status == 200
        assert connection.context.traffic.resent == 1
        for _ in range(3):
            assert (await connection.send("PUT", "/x", ANONYMOUS, {}, b"ok")).status == 200
        assert seen == [b"GET"] * 3 + [b"PUT"] * 3


@pytest.mark.parametrize("is_faulty", [False, True])
async def test_a_reply_that_a_fault_cuts_off_is_no_verdict(is_faulty: bool) -> None:  # noqa: FBT001 - a case
    """Without one it is the target's fault."""
    async with connected(answers=0, part=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok") as (connection, _):
        if is_faulty:
            connection.context.traffic.fault_begins("replica_down")
        with pytest.raises(NoReply) as nothing:
            await connection.send("GET", "/x", ANONYMOUS, {}, None)
        assert isinstance(nothing.value, BadReply) is not is_faulty


@pytest.mark.parametrize(("answers", "part"), [(0, b""), (1, b"HTTP/1.1 200 OK\r\n")])
async def test_what_is_the_targets_fault_stays_so(answers: int, part: bytes) -> None:
    """A connection that never answered, and a reply that breaks off."""
    async with connected(answers=answers, part=part) as (connection, seen):
        for _ in range(answers):
            await connection.send("GET", "/x", ANONYMOUS, {}, None)
        with pytest.raises(NoReply):
            await connection.send("GET", "/x", ANONYMOUS, {}, None)
        assert len(seen) == answers + 1
