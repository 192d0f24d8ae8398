"""Whatever a token endpoint or a command says: there is a token that can be sent, or an error that names the source."""

import asyncio
import base64
import json
import sys
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from createflow.scenarios.target.credentials import command, oauth2_client_credentials
from createflow.scenarios.target.credentials.renewal import IssuedToken, RenewingProvider, Request
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile_auth import CommandAuth, OAuth2Auth
from tests.scenarios.malformed_server import malformed_server, reply

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["access_token", "expires_in", "error", "error_description", "token_type"])
REPLIES = st.dictionaries(FIELDS, JSON, max_size=4).map(lambda value: json.dumps(value).encode())
CLAIMS = st.dictionaries(st.sampled_from(["exp", "sub", "nbf", "iat", "aud"]), JSON, max_size=4)


def jwt_of(claims: bytes, header: bytes = b'{"alg":"HS256"}') -> str:
    """A token that nobody has signed."""
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, claims, b"x"))


def test_any_reply_of_a_token_endpoint_gives_a_token_that_can_be_sent_or_an_error() -> None:
    """Never one with a line break, which would be a header of the target's choice."""
    bodies: list[bytes] = []
    with asyncio.Runner() as runner:
        server = malformed_server(lambda _: reply("200 OK", bodies[-1]))
        url = runner.run(server.__aenter__())
        settings_of = {"kind": "oauth2_client_credentials", "token_url": url, "writer_env": "CLIENT"}
        auth = OAuth2Auth.model_validate(settings_of)

        async def ask() -> None:
            provider = oauth2_client_credentials.Provider(auth, Mask(), {"CLIENT": "me:geheimnis"})
            try:
                await provider.open()
                await asyncio.sleep(0)
                _require_sendable(provider)
            except TargetError as error:
                assert "no token: " in error.message  # noqa: PT017 - it need not be raised
            finally:
                await provider.close()

        @settings(max_examples=12, deadline=None)
        @given(st.binary(max_size=60) | REPLIES)
        @example(b'{"access_token": "a\\r\\nx: y"}')
        @example(b'{"access_token": "\xc3\xa9"}')
        @example(b'{"access_token": "t", "expires_in": %s}' % (b"9" * 400))
        @example(b'{"access_token": "t", "expires_in": 1e308}')
        @example(b'{"access_token": "t", "expires_in": -5}')
        @example(json.dumps({"access_token": "x" * 200_000}).encode())
        def look(body: bytes) -> None:
            bodies.append(body)
            runner.run(ask())

        look()
        runner.run(server.__aexit__(None, None, None))


class _Given(RenewingProvider):
    """Gives one token."""

    token = ""

    def requests(self) -> dict[str, Request]:
        """For the writer."""

        async def request() -> IssuedToken:
            return IssuedToken(self.token, 60)

        return {"writer": request}


@settings(max_examples=60, deadline=None)
@given(CLAIMS.map(lambda claims: jwt_of(json.dumps(claims).encode())) | st.text(max_size=20) | st.binary().map(jwt_of))
@example(jwt_of(b'{"exp": %s}' % (b"9" * 400)))
@example(jwt_of(b'{"exp": NaN, "sub": "\\ud800"}'))
@example(jwt_of(b'{"exp": Infinity, "sub": ""}'))
@example(jwt_of(b"[" * 10_000))
@example(jwt_of(b"{}", b"[" * 10_000))
def test_any_claims_of_a_token_are_read_or_passed_over(token: str) -> None:
    """A subject that no store could hold is none, and a time that is no time makes no renewal fail."""
    provider = _Given(CommandAuth.model_validate({"kind": "command", "writer": ["true"]}), Mask())
    provider.token = token

    async def run() -> None:
        await provider.open()
        await asyncio.sleep(0)
        _require_sendable(provider, is_text=False)
        await provider.close()

    asyncio.run(run())


def _require_sendable(provider: RenewingProvider, *, is_text: bool = True) -> None:
    who = provider.writer()
    assert not is_text or (who.token is not None and who.token.isascii() and who.token.isprintable())
    assert who.subject is None or (who.subject.isprintable() and who.subject)
    assert who.expires_at is not None
    assert time.time() - 10 < who.expires_at < 2e11
    assert not any(task.done() for task in provider._renewals)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys\nwhile True: sys.stdout.write('x' * 99999)", "did not end within 0.5 s"),
        ("print('x' * 5_000_000)", "printed more than 32768 bytes, which is no token"),
        ("import sys; sys.stdout.buffer.write(bytes(9))", "it printed no token"),
        ("import sys; print(chr(27) + '[2J'); sys.stderr.write('y' * 5_000_000)", "y" * 200),
    ],
    ids=["without an end", "long", "zeros", "an escape"],
)
def test_the_output_of_a_command_is_bounded(code: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory and in time, and the command is ended."""
    if "while" in code:
        monkeypatch.setattr(command, "REQUEST_TIMEOUT_S", 0.5)
    auth: Any = CommandAuth.model_validate({"kind": "command", "writer": [sys.executable, "-c", code]})
    with pytest.raises(UserError, match=told):
        asyncio.run(command.Provider(auth, Mask(), {}).open())
