"""Targets that are hostile on the wire: ``run`` and ``bench`` end in time and right, by URL and by profile."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

import pytest

from createflow.cli.exit_code import ExitCode
from tests.bounded_command import run_beside

pytestmark = pytest.mark.anyio
LONGEST_S = 90.0
"""Of one command on a busy machine; on a quiet one each ends within 30 s."""
HONEST = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
_BEGIN = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"


async def _silence(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _forever(writer: asyncio.StreamWriter, data: bytes, pause_s: float = 0.0) -> None:
    while True:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(pause_s)


def _saying(*parts: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def say(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
        await writer.drain()

    return say


async def _endless_header(writer: asyncio.StreamWriter) -> None:
    writer.write(_BEGIN)
    await _forever(writer, b"X-More: " + b"x" * 500 + b"\r\n")


async def _endless_body(writer: asyncio.StreamWriter) -> None:
    writer.write(_BEGIN + b"Transfer-Encoding: chunked\r\n\r\n")
    await _forever(writer, b"400\r\n" + b" " * 1024 + b"\r\n")


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(_BEGIN + b"Content-Length: 100000\r\n\r\n")
    await _forever(writer, b" ", 0.2)


KINDS: dict[str, tuple[str, Callable[[asyncio.StreamWriter], Awaitable[None]]]] = {
    "never answers": ("request", _silence),
    "drips": ("request", _drip),
    "resets at once": ("connect", _saying()),
    "resets after the header": ("header", _saying()),
    "resets after the request": ("request", _saying()),
    "resets in the header of the reply": ("request", _saying(b"HTTP/1.1 201 Cr")),
    "resets in the body of the reply": ("request", _saying(_BEGIN + b"Content-Length: 50\r\n\r\n{")),
    "an endless header": ("request", _endless_header),
    "an endless body": ("request", _endless_body),
    "a length that is too long": ("request", _saying(_BEGIN + b"Content-Length: 50\r\n\r\n{}")),
    "a length that is too short": ("request", _saying(_BEGIN + b'Content-Length: 1\r\n\r\n{"id": "1"}')),
    "garbage": ("request", _saying(b"\x16\x03\x01 this is no HTTP \xff\x00\r\n\r\n")),
    "HTTP/0.9": ("request", _saying(b"<html>created</html>\n")),
}
"""When it is hostile, and how. A connection is reset after it, unless nothing was said wrong but the end."""
CLOSES = {"a length that is too long", "a length that is too short", "garbage", "HTTP/0.9"}
WHERE = ("everything", "creates")
COMMANDS = ("run", "bench")
HOW = ("url", "profile")
BENCH = ("--rate", "20", "--duration", "2s", "--warmup", "0s", "--no-verify")
SLOW = {"never answers", "drips"}
CASES = sorted(product(KINDS, WHERE, COMMANDS, HOW), key=lambda case: case[0] in SLOW)


@asynccontextmanager
async def hostile(name: str, where: str) -> AsyncIterator[str]:
    """A server that is hostile to everything, or to creates only."""
    stage, answer = KINDS[name]
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        if name not in CLOSES:
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        try:
            if where == "everything" and stage == "connect":
                return
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                is_create = head.startswith(b"POST")
                if stage != "header" or not is_create:
                    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                    await reader.readexactly(int(length or 0))
                if where == "creates" and not is_create:
                    writer.write(HONEST)
                    continue
                await answer(writer)
                return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            serving.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in [*serving]:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


PROFILE = """\
[target]
base_url = "{url}"
update = true
delete = true
versions = true
idempotency = true
owned = true
cleanup = true
max_body_bytes = 100000
[auth]
kind = "static"
writer_env = "WRITER"
other_writer_env = "OTHER"
reader_env = "READER"
[promises]
contract = true
unique_keys = true
identity_first = true
[limits]
rate_per_s = 200
burst = 200
"""


async def ended(name: str, where: str, command: str, how: str, folder: Path) -> tuple[int, str]:
    """The status of the command, and what it said."""
    async with hostile(name, where) as url:
        if how == "profile":
            (folder / "createflow.toml").write_text(PROFILE.format(url=url), encoding="utf-8")
        options = [] if how == "profile" else ["--url", f"{url}/api/resources"]
        env = {"WRITER": "w" * 20, "OTHER": "o" * 20, "READER": "r" * 20}
        arguments = [command, *options, *(BENCH if command == "bench" else ())]
        return await run_beside(*arguments, folder=folder, env=env, within_s=LONGEST_S)


BREAKS = KINDS.keys() - {"never answers", "resets at once", "resets after the header", "resets after the request"}
"""Something of a reply comes, which is the target's fault."""


def _right(name: str, where: str, command: str) -> set[int]:
    """A first request without a whole reply: unreachable. Creates without one: a finding, or nothing to be decided."""
    if name == "a length that is too short":
        return {ExitCode.FAILED, ExitCode.UNREACHABLE, ExitCode.INCONCLUSIVE}
    if where == "everything" or command == "bench":
        return {ExitCode.UNREACHABLE}
    return {ExitCode.FAILED} if name in BREAKS else {ExitCode.UNREACHABLE, ExitCode.INCONCLUSIVE}


@pytest.mark.many(one_in=60)
@pytest.mark.parametrize(("name", "where", "command", "how"), CASES)
async def test_run_and_bench_end_right(name: str, where: str, command: str, how: str, tmp_path: Path) -> None:
    """In words, and never green."""
    code, said = await ended(name, where, command, how, tmp_path)
    assert code in _right(name, where, command), said
    assert "Traceback" not in said
    assert "createflow itself failed" not in said
