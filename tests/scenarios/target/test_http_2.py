"""A run over HTTP/2: the same checks on the same service, but for raw bytes of HTTP/1.1."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from createflow.scenarios.benchmark.session import open_session
from createflow.scenarios.checks import CHECKS
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError
from createflow.schemas.profile import Profile
from createflow.schemas.report import Outcome
from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.lawful_run import run
from tests.scenarios.checks.liberties.wire import Answer, Request
from tests.scenarios.malformed_server import malformed_server, reply
from tests.scenarios.target.http_2_server import http_2_server

_ALL = [check for check in CHECKS if not check.disturbs and not check.waits]
_FEW_IDS = {
    *("response.create_is_201", "response.reads_show_writes", "auth_check.missing_token_is_401"),
    *("https_request.host_is_required_once", "business_logic.same_key_creates_once"),
}
_FEW = [check for check in CHECKS if check.id in _FEW_IDS]


@pytest.mark.parametrize("checks", [_FEW, pytest.param(_ALL, marks=pytest.mark.thorough)], ids=["few", "all"])
def test_a_service_is_checked_over_http_2(checks: Any) -> None:
    """It is told nothing; what needs HTTP/1.1 is skipped by the key."""
    report = asyncio.run(run(Habits(), checks, sections={"target": {"http": "2"}}))
    results = {one.id: one for one in report.results}
    bad = {name: one.finding or one.reason for name, one in results.items() if one.outcome.value not in _GOOD}
    assert bad == {}
    assert results["response.create_is_201"].outcome is Outcome.PASSED
    if checks is _FEW:
        assert results["https_request.host_is_required_once"].reason == (
            '`target.http` is "2", and raw bytes are HTTP/1.1'
        )


_GOOD = {"passed", "skipped"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Signed the server's certificate."""
    return trustme.CA()


def _connected(url: str, ca_file: str | None) -> HttpConnection:
    target = {"base_url": url, "http": "2", "ca_file": ca_file}
    return HttpConnection(RunContext(Profile.model_validate({"target": target}), "r", Mask()))


def _server_context(authority: trustme.CA, *offers: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if offers:
        context.set_alpn_protocols([*offers])
    return context


async def _echo(request: Request) -> Answer:
    return Answer(200, body=request.body * 2)


def test_it_is_spoken_by_tls_too(authority: trustme.CA, tmp_path: Path) -> None:
    """Where the server offers both; on one connection, with a body that is longer than a window of flow control."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))

    async def sent() -> list[int]:
        async with http_2_server(_echo, _server_context(authority, "http/1.1", "h2")) as url:
            connection = _connected(url, str(file))
            try:
                body = b"x" * 70_000
                replies = [await connection.send("POST", "/a", ANONYMOUS, {}, body) for _ in range(3)]
            finally:
                await connection.close()
            return [len(one.body) for one in replies]

    assert asyncio.run(sent()) == [140_000] * 3


@pytest.mark.parametrize("offers", [(), ("http/1.1",)], ids=["nothing", "only HTTP/1.1"])
def test_a_server_without_http_2_is_told_by_the_key(
    authority: trustme.CA, tmp_path: Path, offers: tuple[str, ...]
) -> None:
    """By TLS it says so itself, or says nothing."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))

    async def asked() -> None:
        async with http_2_server(_echo, _server_context(authority, *offers)) as url:
            connection = _connected(url, str(file))
            try:
                await connection.require_reachable()
            finally:
                await connection.close()

    with pytest.raises(TargetError) as caught:
        asyncio.run(asked())
    assert 'target.http = "1.1"' in (caught.value.hint or "")


def test_a_server_of_http_1_in_the_clear_is_told_by_the_key() -> None:
    """What it answers is no HTTP/2."""

    async def asked() -> None:
        async with malformed_server(lambda _: reply("400 Bad Request")) as url:
            connection = _connected(url, None)
            try:
                await connection.require_reachable()
            finally:
                await connection.close()

    with pytest.raises(TargetError) as caught:
        asyncio.run(asked())
    assert 'target.http = "1.1"' in (caught.value.hint or "")


def test_a_load_says_that_it_is_http_1() -> None:
    """Before it begins; the create before it is HTTP/2, as all of a run."""

    async def created(_: Request) -> Answer:
        return Answer(201, (("location", "/api/resources/1"),), b'{"id": "1"}')

    async def notes() -> tuple[str, ...]:
        async with http_2_server(created) as url:
            profile = Profile.model_validate({"target": {"base_url": url, "http": "2"}})
            async with open_session(profile, LoadOptions(verify=False)) as session:
                return session.notes

    assert 'the load is HTTP/1.1: target.http = "2" is for run' in asyncio.run(notes())
