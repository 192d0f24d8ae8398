"""A create of which nobody knows whether it was carried out: no verdict, and it is listed if it is there."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from createflow.scenarios.checks.api.response.reply import create_is_201
from createflow.scenarios.checks.api.validation.schema import unknown_field_is_400
from createflow.scenarios.conformance.run import conformance
from createflow.schemas.report import Outcome, RunReport
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import profile_of, reply

pytestmark = pytest.mark.anyio


class Forgetful:
    """Stores creates, and closes the connection instead of answering the second of each."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, object]] = {}
        self.made = 0

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        """Carry out one request."""
        name = path.partition("/api/resources")[2].strip("/")
        if method == "POST":
            document = json.loads(body)
            if set(document) - {"name", "description", "metadata"}:
                return reply("400 Bad Request", b'{"type": "urn:x:y"}', media_type="application/problem+json")
            self.made += 1
            row = {"id": f"r{self.made}", "description": "", "metadata": {}, **document}
            self.rows[f"r{self.made}"] = row
            location = f"location: /api/resources/r{self.made}\r\n"
            return reply("201 Created", json.dumps(row).encode(), headers=location)
        if not name:
            return reply("200 OK", json.dumps({"items": [*self.rows.values()]}).encode())
        if name not in self.rows:
            return reply("404 Not Found")
        if method == "DELETE":
            del self.rows[name]
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        return reply("200 OK", json.dumps(self.rows[name]).encode())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            for number in range(2):
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                method, path = head.split(b" ", 2)[:2]
                answer = self.answer(method.decode(), path.decode(), body)
                if number and method == b"POST":
                    return
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def _serving(server: Forgetful) -> AsyncIterator[str]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def _run(server: Forgetful, *checks: object) -> RunReport:
    async with _serving(server) as url:
        profile = profile_of(url, target={"base_url": url, "timeout_s": 5.0, "cleanup": True})
        return await conformance(profile, checks, source="test", progress=QuietProgress())  # type: ignore[arg-type]


async def test_what_was_never_answered_is_listed_and_not_deleted() -> None:
    """The create went out once more with another name. A list is data of the target: no id of it is deleted."""
    server = Forgetful()
    report = await _run(server, create_is_201, unknown_field_is_400)
    assert {result.outcome for result in report.results} == {Outcome.PASSED}
    assert report.resent >= 1
    assert report.indeterminate == len(server.rows) >= 1
    assert server.made == report.created
    assert [left.partition(": ")[0].rpartition("/")[2] for left in report.left_behind] == list(server.rows)
    assert all("its create was never answered" in left for left in report.left_behind)


async def test_a_check_with_a_body_of_its_own_is_asked_once_more() -> None:
    """Its first body may have been stored, so it is not sent again: the check makes another."""
    server = Forgetful()
    report = await _run(server, unknown_field_is_400)
    (result,) = report.results
    assert result.outcome is Outcome.PASSED, result
    assert report.resent >= 1
