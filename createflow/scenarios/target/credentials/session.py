"""``kind = "session"``: the cookie of a session that a login request begins (RFC 6265), with a CSRF token."""

import asyncio
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

import httpx

from createflow.scenarios.target.bounded_body import CODINGS, BodyRefused, whole_body
from createflow.scenarios.target.credentials.provider import environment_secrets, environment_values
from createflow.scenarios.target.credentials.renewal import REQUEST_TIMEOUT_S, IssuedToken, RenewingProvider, Request
from createflow.scenarios.target.gate import FAILURES, Gate, GatedTransport, ReceivedTooMuch, limited
from createflow.scenarios.target.received import NotJson, json_of
from createflow.scenarios.target.tls import trusted_context
from createflow.scenarios.text.json_pointer import value_at
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile_auth import SessionAuth

_MAX_REPLY_BYTES = 1024 * 1024
_SENDABLE = re.compile(r"[\x21-\x7e]{1,8192}")
_COOKIE = re.compile(r"[^\x00-\x20\x7f-\U0010ffff;,]{1,8192}")


class Provider(RenewingProvider):
    """Logs each principal in, and again before its session ends."""

    def __init__(self, auth: SessionAuth, mask: Mask, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(auth, mask, cookie=auth.cookie)
        self._login = auth
        self._environment = environment

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The values of the variables, and the passwords in them."""
        return environment_secrets(self._login, self._environment)

    def requests(self) -> dict[str, Request]:
        """One login for each declared principal."""
        values = environment_values(self._login, self._environment)
        return {principal: _request(self._login, principal, value) for principal, value in values.items()}


def _request(auth: SessionAuth, principal: str, value: str) -> Request:
    user, colon, password = value.partition(":")
    if not colon:
        raise UserError(f"auth.{principal}_env: the variable does not hold user:password")
    fields = {**auth.fields, auth.user_field: user, auth.password_field: password}

    async def request() -> IssuedToken:
        try:
            with limited(2 * _MAX_REPLY_BYTES):
                async with asyncio.timeout(REQUEST_TIMEOUT_S), _client(auth) as client:
                    if auth.first_path is not None:
                        await _sent(client, "GET", urljoin(auth.login_url, auth.first_path))
                    headers = {"referer": auth.login_url}
                    if auth.csrf_header is not None and (known := _cookies(client).get(auth.csrf_cookie or "")):
                        headers[auth.csrf_header] = known
                    content: dict[str, Any] = {"json" if auth.login_as == "json" else "data": fields}
                    status, body = await _sent(client, "POST", auth.login_url, headers=headers, **content)
                    cookies = _cookies(client)
        except TimeoutError:
            raise TargetError(auth.login_url, f"no login: no whole reply within {REQUEST_TIMEOUT_S:g} s") from None
        except (*FAILURES, BodyRefused, ReceivedTooMuch) as error:
            raise TargetError(auth.login_url, f"no login: {str(error) or type(error).__name__}") from None
        session = cookies.pop(auth.cookie, "")
        if status >= 400 or not session:
            raise TargetError(
                auth.login_url,
                f"no login: {status}, and {'a' if session else 'no'} cookie {auth.cookie}",
                hint="check auth: login_url, login_as, user_field, password_field, first_path, cookie, user:password",
            )
        also = [("cookie", "; ".join(f"{name}={text}" for name, text in cookies.items()))] if cookies else []
        if auth.csrf_header is not None:
            also.append((auth.csrf_header.lower(), _csrf_token(auth, cookies, body)))
        return IssuedToken(session, auth.lifetime_s, tuple(also))

    return request


def _csrf_token(auth: SessionAuth, cookies: Mapping[str, str], body: bytes) -> str:
    found: object = cookies.get(auth.csrf_cookie or "")
    place = f"the cookie {auth.csrf_cookie}"
    if auth.csrf_pointer is not None:
        place = f"{auth.csrf_pointer} of the reply"
        try:
            found = value_at(json_of(body), auth.csrf_pointer)
        except NotJson:
            found = None
    if not isinstance(found, str) or not _SENDABLE.fullmatch(found):
        raise TargetError(
            auth.login_url, f"no login: no CSRF token in {place}", hint="check auth: csrf_cookie, csrf_pointer"
        )
    return found


def _client(auth: SessionAuth) -> httpx.AsyncClient:
    """The password goes to the origin of ``login_url`` only: no redirect is followed."""
    transport = GatedTransport(Gate.to(auth.login_url, key="auth.login_url"), trusted_context(auth.ca_file))
    return httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=REQUEST_TIMEOUT_S,
        headers={"accept-encoding": ", ".join(CODINGS)},
    )


async def _sent(client: httpx.AsyncClient, method: str, url: str, **options: Any) -> tuple[int, bytes]:
    async with client.stream(method, url, **options) as reply:
        return reply.status_code, await whole_body(reply, _MAX_REPLY_BYTES)


def _cookies(client: httpx.AsyncClient) -> dict[str, str]:
    """Those that a header can hold."""
    return {one.name: one.value for one in client.cookies.jar if one.value and _COOKIE.fullmatch(one.value)}
