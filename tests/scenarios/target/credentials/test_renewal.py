"""Tokens are requested, renewed before they expire, and never shown."""

import asyncio
import json
import sys
from urllib.parse import parse_qs

import pytest

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials import command, oauth2_client_credentials
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile_auth import CommandAuth, OAuth2Auth
from tests.scenarios.malformed_server import malformed_server, reply

CLIENT = {"CLIENT": "me:geheimnis"}


def _oauth(url: str, **more: str) -> OAuth2Auth:
    settings = {"kind": "oauth2_client_credentials", "token_url": f"{url}/token", "writer_env": "CLIENT", **more}
    return OAuth2Auth.model_validate(settings)


def test_a_token_endpoint_is_asked_as_the_rfc_wants_it() -> None:
    """RFC 6749 §4.4.2: a form with the grant type; the client in the header, or in the form."""
    asked: list[bytes] = []

    def endpoint(request: bytes) -> bytes:
        asked.append(request)
        return reply("200 OK", json.dumps({"access_token": "opaque-token", "expires_in": 60}).encode())

    async def run() -> None:
        mask = Mask()
        async with malformed_server(endpoint) as url:
            for auth in (_oauth(url, scope="create"), _oauth(url, client_in="body")):
                provider = oauth2_client_credentials.Provider(auth, mask, CLIENT)
                await provider.open()
                assert provider.writer().token == "opaque-token"
                with pytest.raises(NotDeclared, match="reader"):
                    provider.reader()
                await provider.close()
        assert mask.text("opaque-token geheimnis") == "$TOKEN ****"

    asyncio.run(run())
    first, second = (request.split(b"\r\n\r\n") for request in asked)
    assert b"authorization: basic bwu6z2vozwltbmlz" in first[0].lower()
    assert parse_qs(first[1].decode()) == {"grant_type": ["client_credentials"], "scope": ["create"]}
    assert b"authorization" not in second[0].lower()
    assert parse_qs(second[1].decode())["client_secret"] == ["geheimnis"]


def test_a_token_is_renewed_before_it_expires() -> None:
    """Whoever holds the old principal gets the new token from it."""
    count = 0

    def endpoint(_: bytes) -> bytes:
        nonlocal count
        count += 1
        return reply("200 OK", json.dumps({"access_token": f"token-{count}", "expires_in": 2}).encode())

    async def run() -> None:
        async with malformed_server(endpoint) as url:
            provider = oauth2_client_credentials.Provider(_oauth(url), Mask(), CLIENT)
            await provider.open()
            first = provider.writer()
            async with asyncio.timeout(10):
                while provider.writer().token == "token-1":
                    await asyncio.sleep(0.02)
            assert first.current().token == "token-2"
            await provider.close()

    asyncio.run(run())


@pytest.mark.parametrize("answer", [reply("401 Unauthorized", b'{"error": "invalid_client"}'), reply("200 OK", b"[]")])
def test_an_endpoint_that_gives_no_token_is_named(answer: bytes) -> None:
    """The run does not begin."""

    async def run() -> None:
        async with malformed_server(lambda _: answer) as url:
            await oauth2_client_credentials.Provider(_oauth(url), Mask(), CLIENT).open()

    with pytest.raises(TargetError, match=r"/token: no token: \d+, (invalid_client|no access_token)"):
        asyncio.run(run())


def _command(code: str) -> CommandAuth:
    return CommandAuth.model_validate({"kind": "command", "writer": [sys.executable, "-c", code]})


def test_a_command_prints_a_token() -> None:
    """White space around it is not part of it."""

    async def run() -> str | None:
        provider = command.Provider(_command("print(' tok ')"), Mask(), {})
        await provider.open()
        await provider.close()
        return provider.writer().token

    assert asyncio.run(run()) == "tok"


@pytest.mark.parametrize("code", ["raise SystemExit('no login')", "", "print('a\\nb')"])
def test_a_command_that_prints_none_is_told(code: str) -> None:
    """With what it said, and by the key of the profile."""
    with pytest.raises(UserError, match=r"^auth\.writer: .* ended with status \d"):
        asyncio.run(command.Provider(_command(code), Mask(), {}).open())
