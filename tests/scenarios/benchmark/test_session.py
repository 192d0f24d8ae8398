"""Problems with a target are reported once, before the load."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from createflow.scenarios.benchmark.session import open_session
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile import Profile
from tests.scenarios.load.conftest import Stub, start_stub
from tests.scenarios.malformed_server import malformed_server, profile_of, reply

__all__ = ["start_stub"]


async def _open(profile: Profile) -> None:
    async with open_session(profile, LoadOptions(rate_per_s=1, duration_s=1, warmup_s=0)):
        pass


def _try(profile: Profile, mix: str = "create=1") -> tuple[tuple[str, int], ...]:
    async def ask() -> tuple[tuple[str, int], ...]:
        async with open_session(profile, LoadOptions(rate_per_s=1, duration_s=1, warmup_s=0, mix=mix)) as session:
            return session.known

    return asyncio.run(ask())


def test_a_refused_token_is_a_user_error(start_stub: Callable[[str], Stub]) -> None:
    """A 401 gives exit status 2 and a hint, not a load run full of errors."""
    with pytest.raises(UserError, match="401") as caught:
        _try(start_stub("unauthorized").profile())
    assert "refused the token" in caught.value.hint


def test_an_unreachable_address_is_named() -> None:
    """Exit status 3, with the address."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(TargetError, match=url):
            _try(Profile.model_validate({"target": {"base_url": url, "timeout_s": 0.3}}))


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        ("307 Temporary Redirect", "location: /x/\r\n", "answered with 307 to '/x/'"),
        ("429 Too Many Requests", "retry-after: 0\r\n", "declares no \\[limits\\]"),
    ],
)
def test_a_redirect_or_a_limit_is_a_user_error(status: str, headers: str, words: str) -> None:
    """The profile can say both."""

    async def ask() -> None:
        async with malformed_server(lambda _: reply(status, headers=headers)) as url:
            await _open(profile_of(url))

    with pytest.raises(UserError, match=words):
        asyncio.run(ask())


def test_the_first_create_may_be_put_off() -> None:
    """By a target that says so itself."""
    replies = [reply("503 Service Unavailable", headers="retry-after: 0\r\n"), reply("201 Created", b'{"id":"1"}')]

    async def ask() -> None:
        async with malformed_server(lambda _: replies.pop(0)) as url:
            await _open(profile_of(url))

    asyncio.run(ask())
    assert not replies


def test_a_target_without_tls_is_unreachable(start_stub: Callable[[str], Stub]) -> None:
    """An https URL for a plain HTTP port is a target error."""
    url = start_stub("fast").url.replace("http:", "https:")
    with pytest.raises(TargetError, match=url):
        _try(Profile.model_validate({"target": {"base_url": url, "timeout_s": 0.3}}))


def test_a_healthy_target_accepts_the_preflight(start_stub: Callable[[str], Stub]) -> None:
    """One create; a load that also reads gets the path of its resource."""
    profile = start_stub("fast").profile()
    assert _try(profile) == ()
    assert _try(profile, "create=1,read=1") == (("/api/resources/1", 0),)
