"""A user's name and password, a refresh token, a login: each gives what is sent, and none is shown."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import TypeAdapter

from createflow.scenarios.target.credentials.registry import auth_provider
from createflow.scenarios.target.credentials.renewal import RenewingProvider
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile_auth import Auth
from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.wire import Answer, Request, serving

ENVIRONMENT = {"W": "me:geheimnis", "R": "refresh-first", "C": "client:schluessel", "P": "public"}
TOKEN = Answer(200, body=b'{"access_token": "token-1", "refresh_token": "refresh-second", "expires_in": 900}')
BASIC = "Basic Y2xpZW50OnNjaGx1ZXNzZWw="


def _logged_in(
    section: Mapping[str, Any], answers: Callable[[Request], Answer], *, times: int = 1
) -> tuple[Principal, list[Request], Mask]:
    """The writer, the requests that were sent for it, and what is masked."""
    seen: list[Request] = []

    async def answer(request: Request) -> Answer:
        seen.append(request)
        return answers(request)

    async def use() -> tuple[Principal, Mask]:
        async with serving(Habits(), answer) as url:
            key = "login_url" if section["kind"] == "session" else "token_url"
            auth: Auth = TypeAdapter(Auth).validate_python({**section, key: f"{url}/in"})
            mask = Mask()
            provider = auth_provider(auth, mask, ENVIRONMENT)
            assert isinstance(provider, RenewingProvider)
            try:
                await provider.open()
                for _ in range(times - 1):
                    await provider._fetch("writer")
                return provider.principal("writer"), mask
            finally:
                await provider.close()

    who, mask = asyncio.run(use())
    return who, seen, mask


@pytest.mark.parametrize(
    ("keys", "client"),
    [
        ({}, (None, {})),
        ({"client_env": "C"}, (BASIC, {})),
        ({"client_env": "C", "client_in": "body"}, (None, {"client_id": "client", "client_secret": "schluessel"})),
        ({"client_env": "P"}, (None, {"client_id": "public"})),
    ],
)
def test_a_password_is_changed_for_a_token(keys: dict[str, str], client: tuple[str | None, dict[str, str]]) -> None:
    """RFC 6749 §4.3.2; the client in the header, in the form, without a secret, or none."""
    section = {"kind": "oauth2_password", "writer_env": "W", "scope": "a b", **keys}
    who, (request,), _ = _logged_in(section, lambda _: TOKEN)
    user = {"grant_type": "password", "username": "me", "password": "geheimnis", "scope": "a b"}
    assert dict(parse_qsl(request.body.decode())) == {**user, **client[1]}
    assert request.first("authorization") == client[0]
    assert who.lines() == {"authorization": "Bearer token-1"}


def test_a_newer_refresh_token_is_used_next_and_masked() -> None:
    """RFC 6749 §6: the client discards the old one."""
    section = {"kind": "oauth2_refresh_token", "writer_env": "R", "client_env": "C"}
    _, seen, mask = _logged_in(section, lambda _: TOKEN, times=2)
    sent = [dict(parse_qsl(request.body.decode()))["refresh_token"] for request in seen]
    assert sent == ["refresh-first", "refresh-second"]
    assert "second" not in mask.text("refresh-second")


def _session(**keys: Any) -> dict[str, Any]:
    return {"kind": "session", "writer_env": "W", "cookie": "sid", **keys}


def test_a_login_gives_the_cookie_of_the_session_and_those_beside_it() -> None:
    """A redirect after it is not followed."""
    cookies = (("set-cookie", "sid=s-12345; Path=/"), ("set-cookie", "csrf=c-67890"), ("location", "/home"))
    who, (request,), mask = _logged_in(
        _session(csrf_header="X-CSRF", csrf_cookie="csrf", fields={"next": "/"}), lambda _: Answer(302, cookies)
    )
    assert dict(parse_qsl(request.body.decode())) == {"username": "me", "password": "geheimnis", "next": "/"}
    assert who.lines() == {"cookie": "sid=s-12345; csrf=c-67890", "x-csrf": "c-67890"}
    assert not {"s-12345", "c-67890"} & set(mask.text("s-12345 c-67890").split())


def test_a_login_may_need_a_page_first() -> None:
    """Its cookie and its CSRF token go with the login, which has a newer one."""

    def answers(request: Request) -> Answer:
        if request.method == "GET":
            return Answer(200, (("set-cookie", "csrf=first-token; Path=/"),))
        is_ours = request.first("cookie") == "csrf=first-token" and request.first("x-csrf") == "first-token"
        return Answer(200 if is_ours else 403, (("set-cookie", "sid=s-12345"), ("set-cookie", "csrf=second-token")))

    section = _session(csrf_header="X-CSRF", csrf_cookie="csrf", first_path="/accounts/login/")
    who, seen, _ = _logged_in(section, answers)
    assert [request.target for request in seen] == ["/accounts/login/", "/in"]
    assert who.lines()["x-csrf"] == "second-token"


def test_a_csrf_token_can_be_in_the_reply_to_a_login_in_json() -> None:
    """By its JSON Pointer."""
    reply = Answer(200, (("set-cookie", "sid=s-12345"),), b'{"data": {"csrf": "c-67890"}}')
    section = _session(
        login_as="json", user_field="email", password_field="pass", csrf_header="X-CSRF", csrf_pointer="/data/csrf"
    )
    who, (request,), _ = _logged_in(section, lambda _: reply)
    assert json.loads(request.body) == {"email": "me", "pass": "geheimnis"}
    assert who.lines() == {"cookie": "sid=s-12345", "x-csrf": "c-67890"}


@pytest.mark.parametrize(
    ("section", "reply", "message"),
    [
        (_session(), Answer(200, body=b"wrong password"), "no login: 200, and no cookie sid"),
        (_session(), Answer(403, (("set-cookie", "sid=s-12345"),)), "no login: 403, and a cookie sid"),
        (
            _session(csrf_header="X", csrf_cookie="csrf"),
            Answer(200, (("set-cookie", "sid=s-12345"),)),
            "no CSRF token in the cookie csrf",
        ),
        (
            _session(csrf_header="X", csrf_pointer="/csrf"),
            Answer(200, (("set-cookie", "sid=s-12345"),), b"<html>"),
            "no CSRF token in /csrf of the reply",
        ),
        (
            {"kind": "oauth2_password", "writer_env": "W"},
            Answer(400, body=b'{"error": "invalid_grant"}'),
            "no token: 400, invalid_grant",
        ),
        (
            {"kind": "oauth2_refresh_token", "writer_env": "R"},
            Answer(400, body=b'{"error": "invalid_grant"}'),
            "no token: 400, invalid_grant",
        ),
    ],
)
def test_what_is_no_login_is_told_with_the_place_to_look_at(section: Any, reply: Answer, message: str) -> None:
    """Without a password."""
    with pytest.raises(TargetError) as told:
        _logged_in(section, lambda _: reply)
    assert message in told.value.message
    assert "geheimnis" not in f"{told.value.message} {told.value.hint}"


@pytest.mark.parametrize("kind", ["oauth2_password", "session"])
def test_a_variable_without_a_colon_is_told_before_anything_is_sent(kind: str) -> None:
    """By its key."""
    section = {**_session(), "kind": kind, "writer_env": "R"}
    if kind != "session":
        del section["cookie"]
    with pytest.raises(UserError, match=r"auth\.writer_env: the variable does not hold user:password"):
        _logged_in(section, lambda _: TOKEN)
