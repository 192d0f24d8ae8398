"""Nothing is sent to an origin that the profile does not name, wherever a target says to go."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.run import conformance
from createflow.schemas.error import TargetError
from createflow.schemas.profile import Profile
from createflow.schemas.report import CheckResult, Outcome, RunReport
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import Habit, malformed_server, profile_of, reply

PREFIXES = ("response.", "https_request.date", "business_logic.", "validation.missing", "replicate.own_write_is_read")
LOCATIONS = {
    "another port": "http://127.0.0.1:{port}/api/resources/{id}",
    "another host": "http://localhost:{port}/api/resources/{id}",
    "another scheme": "https://127.0.0.1:{port}/api/resources/{id}",
    "no scheme": "//127.0.0.1:{port}/api/resources/{id}",
    "userinfo": "http://{own}@127.0.0.1:{port}/api/resources/{id}",
    "a backslash": "http:\\\\127.0.0.1:{port}\\api\\resources\\{id}",
    "upper case": "HTTP://LOCALHOST:{port}/api/resources/{id}",
    "an IPv4 address as a number": "http://2130706433:{port}/api/resources/{id}",
}


@asynccontextmanager
async def stranger() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A listener that notes every connection, and what comes over it."""
    received: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], received


class Resources:
    """A small target that answers as its ``answer`` says, and keeps the DELETE requests that it gets."""

    def __init__(self, location: Callable[[str], str]) -> None:
        self._location = location
        self._rows: dict[str, bytes] = {}
        self.deleted: list[str] = []

    def answer(self, request: bytes) -> bytes:
        """The reply to one request."""
        method, path, _ = request.split(b" ", 2)
        body = request.partition(b"\r\n\r\n")[2]
        resource_id = path.rpartition(b"/")[2].decode("latin-1")
        if method == b"POST":
            try:
                document = json.loads(body)
            except ValueError:
                return reply("400 Bad Request")
            if not isinstance(document, dict) or "name" not in document:
                return reply("400 Bad Request")
            resource_id = str(len(self._rows) + 1)
            self._rows[resource_id] = json.dumps({"id": resource_id, **document}).encode()
            headers = f"location: {self._location(resource_id)}\r\n"
            return reply("201 Created", self._rows[resource_id], headers=headers)
        if method == b"DELETE":
            self.deleted.append(resource_id)
            return reply("204 No Content", b"")
        found = self._rows.get(resource_id)
        return reply("404 Not Found") if found is None else reply("200 OK", found)


async def run_against(habit: Habit, monkeypatch: pytest.MonkeyPatch, **target: object) -> RunReport:
    """A run with a token and clean-up."""
    monkeypatch.setenv("WRITER", "a-token-that-must-not-leak")
    async with malformed_server(habit) as url:
        profile = profile_of(url, auth={"kind": "static", "writer_env": "WRITER"})
        document = profile.target.model_dump() | {"cleanup": True, "update": True} | target
        profile = Profile.model_validate(profile.model_dump() | {"target": document})
        checks = [check for check in CHECKS if check.id.startswith(PREFIXES) and not check.disturbs]
        return await conformance(profile, checks, source="test", progress=QuietProgress())


def with_outcome(report: RunReport, outcome: Outcome) -> list[CheckResult]:
    """The results that ended so."""
    return [result for result in report.results if result.outcome is outcome]


@pytest.mark.anyio
@pytest.mark.parametrize("case", LOCATIONS)
async def test_a_location_elsewhere_gets_nothing(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither reads nor updates nor deletes; one check fails for it, and none is broken."""
    async with stranger() as (port, received):
        resources = Resources(lambda name: LOCATIONS[case].format(port=port, own="me", id=name))
        report = await run_against(resources.answer, monkeypatch)
    assert received == []
    assert not with_outcome(report, Outcome.BROKEN)
    failed = {result.id for result in with_outcome(report, Outcome.FAILED)}
    assert len(failed & {"response.location_is_ours", "response.location_is_given"}) == 1
    skipped = next(result for result in report.results if result.id == "response.location_answers_the_same")
    assert skipped.outcome is Outcome.SKIPPED
    assert "see response.location_is_" in skipped.reason
    # What was created is still deleted, by the id of the 201, at the target's own address.
    assert report.created == len(resources.deleted) + len(report.left_behind)


@pytest.mark.anyio
async def test_a_declared_public_origin_is_read_at_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """Path and query of the Location are used at ``base_url``; nothing goes to the other origin."""
    async with stranger() as (port, received):
        public = f"http://127.0.0.1:{port}"
        resources = Resources(lambda name: f"{public}/api/resources/{name}")
        report = await run_against(resources.answer, monkeypatch, location_origins=[public])
    outcomes = {result.id: result.outcome for result in report.results}
    assert received == []
    assert outcomes["response.location_is_ours"] is Outcome.PASSED
    assert outcomes["response.location_answers_the_same"] is Outcome.PASSED
    assert len(resources.deleted) == report.created
    assert report.left_behind == ()


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Moved"])
async def test_a_redirect_is_not_followed(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever request it answers."""
    async with stranger() as (port, received):
        resources = Resources(lambda name: f"/api/resources/{name}")

        def answer(request: bytes) -> bytes:
            if request.startswith(b"POST"):
                return resources.answer(request)
            return reply(status, b"", headers=f"location: http://127.0.0.1:{port}/x\r\n")

        report = await run_against(answer, monkeypatch)
    assert received == []
    assert not with_outcome(report, Outcome.BROKEN)


@pytest.mark.anyio
async def test_a_token_endpoint_cannot_pass_the_secret_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its redirect is an answer without a token."""
    monkeypatch.setenv("WRITER", "client:secret-of-the-client")
    async with stranger() as (port, received):
        redirect = reply("307 Temporary Redirect", b"", headers=f"location: http://127.0.0.1:{port}/token\r\n")
        async with malformed_server(lambda _: redirect) as endpoint, malformed_server(lambda _: reply("200 OK")) as url:
            auth = {"kind": "oauth2_client_credentials", "token_url": f"{endpoint}/token", "writer_env": "WRITER"}
            with pytest.raises(TargetError, match="no token"):
                await conformance(profile_of(url, auth=auth), CHECKS[:1], source="test", progress=QuietProgress())
    assert received == []


@pytest.mark.anyio
async def test_nothing_is_deleted_unless_the_profile_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``cleanup`` no DELETE is sent."""
    resources = Resources(lambda name: f"/api/resources/{name}")
    report = await run_against(resources.answer, monkeypatch, cleanup=False)
    assert report.created > 0
    assert resources.deleted == []
