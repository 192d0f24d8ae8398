"""What a target does to every write or read is one finding, whichever check met it."""

import asyncio

import pytest

from createflow.scenarios.outcome import Prevented
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Profile
from tests.scenarios.malformed_server import malformed_server

pytestmark = pytest.mark.anyio
WRITER = Principal("writer", "token")
CREATED = b'{"id":"1","name":"createflow n0123456789abcdef"}'


def answer(request: bytes) -> bytes:
    """A create is accepted, and nothing is ever found."""
    created = request.startswith(b"POST")
    body = CREATED if created else b""
    head = b"HTTP/1.1 201 Created\r\nlocation: /api/resources/1" if created else b"HTTP/1.1 404 Not Found"
    return head + b"\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


async def test_it_is_counted_and_prevents_the_check() -> None:
    """Another sender's read, and one that the check judges itself, prevent nothing."""
    async with malformed_server(answer) as base_url:
        profile = Profile.model_validate({"target": {"base_url": base_url}})
        context = RunContext(profile, "01234567", Mask())
        connection = HttpConnection(context)
        target = HttpTarget(connection, Contract(profile.target), WRITER, check_id="a.check")
        url = target.url_of(await target.create())
        with pytest.raises(Prevented, match=r"see response.reads_match_writes_at_the_end: .* 404 at"):
            await target.read(url)
        assert (await target.read(url, may_be_lost=True)).status == 404
        assert (await target.read(url, who=Principal("other", "token"))).status == 404
        assert (context.writes.reads, len(context.writes.lost)) == (2, 2)
        await connection.close()


async def test_a_create_that_a_check_has_no_time_for_may_be_carried_out() -> None:
    """Its row is none that nobody asked for."""
    has_come = asyncio.Event()

    def never(_: bytes) -> None:
        has_come.set()

    async with malformed_server(never) as base_url:
        profile = Profile.model_validate({"target": {"base_url": base_url}})
        context = RunContext(profile, "01234567", Mask())
        connection = HttpConnection(context)
        target = HttpTarget(connection, Contract(profile.target), WRITER, check_id="a.check")
        create = asyncio.create_task(target.create())
        await has_come.wait()
        create.cancel()
        with pytest.raises(asyncio.CancelledError):
            await create
        assert [one.name is not None for one in context.writes.unanswered] == [True]
        await connection.close()


async def test_a_reply_that_is_deeper_than_we_read_is_no_reply_without_an_id() -> None:
    """A check sent what is in it. Where the row is found by its name, nobody wonders who created it."""
    body = b'{"id":"1","metadata":' + b"[" * 500 + b"]" * 500 + b"}"
    head = b"HTTP/1.1 201 Created\r\nlocation: /api/resources/1\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with malformed_server(lambda _: head + body) as base_url:
        profile = Profile.model_validate({"target": {"base_url": base_url}})
        context = RunContext(profile, "01234567", Mask())
        connection = HttpConnection(context)
        target = HttpTarget(connection, Contract(profile.target), WRITER, check_id="a.check")
        await target.create(
            b'{"name":"createflow n0123456789abcdef","metadata":{"d":' + b"[" * 500 + b"]" * 500 + b"}}"
        )
        assert (context.writes.nameless, context.writes.unanswered[0].name) == ([], "createflow n0123456789abcdef")
        await connection.close()


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /api/resources/", "answered with 307 to '/api/resources/'"),
        (b"HTTP/1.1 429 Too Many Requests", r"limited \(429\), and the profile declares no \[limits\]"),
    ],
    ids=["a redirect", "an undeclared limit"],
)
async def test_what_stops_every_create_is_one_finding(head: bytes, words: str) -> None:
    """The check that reports it sees the reply; every other one is prevented."""
    async with malformed_server(lambda _: head + b"\r\ncontent-length: 0\r\n\r\n") as base_url:
        profile = Profile.model_validate({"target": {"base_url": base_url}})
        connection = HttpConnection(RunContext(profile, "01234567", Mask()))
        contract = Contract(profile.target)
        with pytest.raises(Prevented, match=f"see response.create_is_201: .*{words}"):
            await HttpTarget(connection, contract, WRITER, check_id="a.check").create()
        reporting = HttpTarget(connection, contract, WRITER, check_id="response.create_is_201")
        assert (await reporting.create()).status in {307, 429}
        await connection.close()


async def test_a_refused_token_of_the_creator_is_no_unreadable_resource() -> None:
    """Checks of tokens read what they created with a bad token of the same subject, and judge the reply themselves."""

    def refusing(request: bytes) -> bytes:
        return answer(request).replace(b"404 Not Found", b"401 Unauthorized")

    async with malformed_server(refusing) as base_url:
        profile = Profile.model_validate({"target": {"base_url": base_url}})
        connection = HttpConnection(RunContext(profile, "01234567", Mask()))
        target = HttpTarget(connection, Contract(profile.target), WRITER, check_id="a.check")
        url = target.url_of(await target.create())
        assert (await target.read(url, who=WRITER.holding("bad"), may_be_lost=True)).status == 401
        with pytest.raises(Prevented, match="answered with 401"):
            await target.read(url, may_be_lost=True)
        await connection.close()
