"""A key in the query or in a cookie: sent there in every request, and shown nowhere."""

import asyncio
from collections.abc import Mapping
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import ValidationError

from createflow.scenarios.load.plan.config_rules import credentials_of
from createflow.scenarios.target.credentials.api_key import Provider
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.raw_http import RawSocket
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.text.curl_line import rebuilt
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_auth import ApiKeyAuth
from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.wire import Answer, Request, serving

KEY = "geheim+/&=%7 key"
SENT = {"query": KEY, "cookie": "geheimnis-7"}


def _writer(key_in: str, environment: Mapping[str, str] | None = None) -> Principal:
    auth = ApiKeyAuth.model_validate({"kind": "api_key", "key_in": key_in, "name": "api_key", "writer_env": "W"})
    return Provider(auth, Mask(), environment or {"W": SENT[key_in]}).tokens("owner").writer()


def _key_of(request: Request) -> str | None:
    """What a server reads, by parsers of the standard library."""
    cookie = SimpleCookie(request.first("cookie") or "").get("api_key")
    return cookie.value if cookie else dict(parse_qsl(urlsplit(request.target).query)).get("api_key")


@pytest.mark.parametrize("key_in", ["query", "cookie"])
def test_every_request_has_the_key_and_nothing_shows_it(key_in: str) -> None:
    """By the client and by raw sockets; beside the query that a request has, and without a credential for nobody."""
    seen: list[Request] = []

    async def answer(request: Request) -> Answer:
        seen.append(request)
        return Answer(400, body=request.target.encode())

    async def use() -> list[str]:
        async with serving(Habits(), answer) as url:
            mask, who = Mask(), _writer(key_in)
            profile = Profile.model_validate({"target": {"base_url": url}})
            context = RunContext(profile, "r", mask)
            connection, raw = HttpConnection(context), RawSocket(context)
            try:
                replies = [
                    await connection.send("GET", f"/a{query}", sender, {}, None)
                    for query, sender in (("", who), ("?b=c%2Fd", who), ("", ANONYMOUS), ("", who.holding("other")))
                ]
                answered = await raw.send(raw.request(b"{}", who=who))
            finally:
                await connection.close()
            exchanges = [*(reply.exchange for reply in replies), answered.exchange]
            return [mask.record(exchange).model_dump_json() for exchange in exchanges]

    shown = asyncio.run(use())
    key = SENT[key_in]
    assert [_key_of(request) for request in seen] == [key, key, None, "other", key]
    assert seen[1].target.startswith("/a?b=c%2Fd")
    for text in shown:
        assert "geheim" not in text
    assert "$TOKEN" in shown[0]


def test_a_curl_line_fills_the_key_in_and_can_be_read_back() -> None:
    """The URL is quoted as before; only the variable is not."""
    context = RunContext(Profile.model_validate({"target": {"base_url": "http://127.0.0.1:9"}}), "r", Mask())
    raw = RawSocket(context)
    assert b"api_key=geheim%2B%2F%26%3D%257%20key HTTP" in raw.request(b"", who=_writer("query"))
    line = """curl -i -X GET 'http://127.0.0.1:9/a?b=c&api_key='"$TOKEN" -H 'accept: x'"""
    assert rebuilt(line) == line
    assert rebuilt(line.replace("$TOKEN", "$HOME")) != line.replace("$TOKEN", "$HOME")


@pytest.mark.parametrize(
    ("key_in", "carried"), [("query", ("?api_key", KEY)), ("cookie", ("cookie", "api_key=geheimnis-7"))]
)
def test_a_load_sends_the_key_where_a_run_does(key_in: str, carried: tuple[str, str]) -> None:
    """A worker of another machine gets it as text, and deletes with it what it created."""
    parts = _writer(key_in).parts()
    assert credentials_of([list(parts)]) == (carried,)
    again = Principal.of_parts(parts)
    assert (again.placed("/a?b"), again.lines()) == (_writer(key_in).placed("/a?b"), _writer(key_in).lines())


@pytest.mark.parametrize("value", ["a b", "a;b", 'a"b', "ä"])
def test_a_key_that_no_cookie_can_hold_is_told_without_it(value: str) -> None:
    """Before anything is sent."""
    with pytest.raises(UserError, match=r"character that no cookie can have") as told:
        _writer("cookie", {"W": f"geheim{value}"})
    assert "geheim" not in str(told.value)


@pytest.mark.parametrize(
    "keys", [{"key_in": "query"}, {"name": "k"}, {"key_in": "cookie", "name": "k", "scheme": "Key"}]
)
def test_a_place_needs_its_name_and_has_no_scheme(keys: dict[str, str]) -> None:
    """What would not be used is a mistake."""
    with pytest.raises(ValidationError):
        ApiKeyAuth.model_validate({"kind": "api_key", "writer_env": "W", **keys})


def test_a_credential_in_a_cookie_is_the_only_cookie_header() -> None:
    """Two would be two header lines (RFC 6265 §5.4), or one would be lost."""
    auth = {"kind": "api_key", "writer_env": "W", "key_in": "cookie", "name": "k"}
    target = {"base_url": "http://127.0.0.1:9", "headers": {"cookie": "a=b"}}
    with pytest.raises(ValidationError, match="leave it out"):
        Profile.model_validate({"target": target, "auth": auth})
