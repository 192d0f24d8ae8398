"""What all kinds that get tokens from a token endpoint share (RFC 6749 §3.2)."""

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from createflow.scenarios.target.bounded_body import CODINGS, BodyRefused, whole_body
from createflow.scenarios.target.credentials.provider import environment_secrets
from createflow.scenarios.target.credentials.renewal import (
    REQUEST_TIMEOUT_S,
    SHOWN_CHARACTERS,
    IssuedToken,
    RenewingProvider,
    Request,
)
from createflow.scenarios.target.gate import FAILURES, Gate, GatedTransport, ReceivedTooMuch, limited
from createflow.scenarios.target.received import NotJson, json_of
from createflow.scenarios.target.tls import trusted_context
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError
from createflow.schemas.profile_auth import TokenEndpointAuth

_DEFAULT_LIFETIME_S = 300.0
_LONGEST_LIFETIME_S = 1e9
_MAX_REPLY_BYTES = 256 * 1024
_TOKEN = re.compile(r"[\x20-\x7e]{1,32768}")
"""RFC 6749 A.12, ``access-token = 1*VSCHAR``: a longer one fits into no header."""


class TokenEndpointProvider(RenewingProvider):
    """Base of the kinds whose principals have their secrets in variables."""

    def __init__(self, auth: TokenEndpointAuth, mask: Mask, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(auth, mask)
        self._endpoint = auth
        self._environment = environment

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The values of the variables, and the secrets in them."""
        return environment_secrets(self._endpoint, self._environment)


def token_request(
    auth: TokenEndpointAuth,
    grant: Callable[[], Mapping[str, str]],
    client_id: str,
    client_secret: str,
    learn: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Request:
    """A request of a token: the client's credentials in the header as RFC 6749 §2.3.1 requires, or in the form.

    Args:
        auth: the endpoint.
        grant: the fields of the kind of grant, asked for at each request.
        client_id: empty where the endpoint needs none.
        client_secret: empty for a client that has none, whose id is in the form.
        learn: told of a reply with a token.
    """
    shared = {"scope": auth.scope, "audience": auth.audience}
    in_header = auth.client_in == "header" and bool(client_secret)
    if not in_header:
        shared |= {"client_id": client_id, "client_secret": client_secret}
    basic = (quote(client_id, safe=""), quote(client_secret, safe="")) if in_header else None

    async def request() -> IssuedToken:
        form = {**grant(), **shared}
        try:
            with limited(_MAX_REPLY_BYTES):
                async with (
                    asyncio.timeout(REQUEST_TIMEOUT_S),
                    _client(auth) as client,
                    client.stream(
                        "POST",
                        auth.token_url,
                        data={name: value for name, value in form.items() if value},
                        auth=basic or httpx.USE_CLIENT_DEFAULT,
                        headers={"accept": "application/json", "accept-encoding": ", ".join(CODINGS)},
                    ) as reply,
                ):
                    document = _object(await whole_body(reply, _MAX_REPLY_BYTES))
        except TimeoutError:
            raise TargetError(auth.token_url, f"no token: no whole reply within {REQUEST_TIMEOUT_S:g} s") from None
        except (*FAILURES, BodyRefused, ReceivedTooMuch) as error:
            raise TargetError(auth.token_url, f"no token: {str(error) or type(error).__name__}") from None
        token = document.get("access_token")
        if not reply.is_success or not isinstance(token, str) or not token:
            reason = document.get("error_description") or document.get("error") or "no access_token"
            raise TargetError(
                auth.token_url,
                f"no token: {reply.status_code}, {str(reason)[:SHOWN_CHARACTERS]}",
                hint="check auth: token_url, scope, client_in, and the id and secret in the environment",
            )
        if not _TOKEN.fullmatch(token) or not token.strip():
            raise TargetError(
                auth.token_url, "no token: the access_token has characters that no header can have, or is too long"
            )
        learn(document)
        return IssuedToken(token, _lifetime_s(document.get("expires_in")))

    return request


def _client(auth: TokenEndpointAuth) -> httpx.AsyncClient:
    """The client's secret goes to the origin of ``token_url`` only: no redirect is followed."""
    gate = Gate.to(auth.token_url, key="auth.token_url")
    transport = GatedTransport(gate, trusted_context(auth.ca_file))
    return httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False, timeout=REQUEST_TIMEOUT_S)


def _lifetime_s(expires_in: object) -> float:
    if not isinstance(expires_in, (int, float)) or isinstance(expires_in, bool):
        return _DEFAULT_LIFETIME_S
    return float(min(max(expires_in, 0), _LONGEST_LIFETIME_S))


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json_of(body)
    except NotJson:
        return {}
    return document if isinstance(document, dict) else {}
