"""Tokens that are asked for while the run goes on, each renewed before it expires."""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import jwt

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.tls_context import trust
from createflow.scenarios.target.tokens import named_values, subject_of
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile import Auth, CommandAuth, OAuth2Auth

_LONGEST_S = 15.0
_DEFAULT_LIFETIME_S = 300.0
_RENEWED_AT = 0.5
"""Of its lifetime: a check that has just taken a token can use it for as long again."""
_RETRY_S = 2.0
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    lifetime_s: float


Ask = Callable[[], Awaitable[_Token]]


class TokenSupply:
    """Fills the role Tokens with what a token endpoint or a command gives; open it before it is asked.

    Raises:
        UserError: a variable that the profile names is not set.
    """

    def __init__(self, auth: OAuth2Auth | CommandAuth, mask: Mask, environment: Mapping[str, str] = os.environ) -> None:
        self._auth = auth
        self._mask = mask
        self._asks: dict[str, Ask] = {}
        if isinstance(auth, OAuth2Auth):
            for principal, client in named_values(auth, environment).items():
                identity, _, secret = client.partition(":")
                mask.add(secret)
                self._asks[principal] = _from_endpoint(auth, identity, secret)
        else:
            for principal in ("writer", "other_writer", "reader", "expired"):
                if command := getattr(auth, principal):
                    self._asks[principal] = _from_command(auth, principal, command)
        self._principals: dict[str, Principal] = {}
        self._renewing: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Get every token, and go on renewing them.

        Raises:
            TargetError: the token endpoint cannot be reached or gives none.
            UserError: a command prints none.
        """
        lifetimes = await asyncio.gather(*(self._fetch(principal) for principal in self._asks))
        for principal, lifetime_s in zip(self._asks, lifetimes, strict=True):
            if principal != "expired":
                self._renewing.append(asyncio.create_task(self._keep_fresh(principal, lifetime_s)))

    async def close(self) -> None:
        """Stop renewing."""
        for task in self._renewing:
            task.cancel()
        await asyncio.gather(*self._renewing, return_exceptions=True)

    def writer(self) -> Principal:
        """May create."""
        return self._principal("writer")

    def other_writer(self) -> Principal:
        """May create, and is somebody else."""
        return self._principal("other_writer")

    def reader(self) -> Principal:
        """Is known but may not create."""
        return self._principal("reader")

    def expired(self) -> Principal:
        """Holds a token that was good once."""
        return self._principal("expired")

    def _principal(self, name: str) -> Principal:
        if name not in self._principals:
            raise NotDeclared(f"no token for this principal: auth.{name}")
        return self._principals[name]

    async def _fetch(self, principal: str) -> float:
        token = await self._asks[principal]()
        self._mask.add(token.text, shown="$TOKEN")
        lifetime_s = _own_lifetime_s(token.text) or token.lifetime_s
        self._principals[principal] = Principal(
            subject_of(token.text),
            token.text,
            self._auth.scheme,
            self._auth.header.lower(),
            expires_at=time.time() + lifetime_s,
            renew=lambda: self._principals[principal],
        )
        return lifetime_s

    async def _keep_fresh(self, principal: str, lifetime_s: float) -> None:
        while True:
            await asyncio.sleep(max(lifetime_s * _RENEWED_AT, 1.0))
            while True:
                # The old token is good for a while yet: a failed renewal is tried again, not told.
                with contextlib.suppress(TargetError, UserError):
                    lifetime_s = await self._fetch(principal)
                    break
                await asyncio.sleep(_RETRY_S)


def token_supply(auth: Auth, mask: Mask) -> TokenSupply | None:
    """The supply that ``[auth]`` needs; ``None`` when its tokens need no asking."""
    return TokenSupply(auth, mask) if isinstance(auth, (OAuth2Auth, CommandAuth)) else None


def _from_endpoint(auth: OAuth2Auth, identity: str, secret: str) -> Ask:
    """RFC 6749 §4.4.2; the client's credentials in the header as §2.3.1 wants them, or in the form."""
    form = {"grant_type": "client_credentials", "scope": auth.scope, "audience": auth.audience}
    in_header = auth.client_in == "header"
    if not in_header:
        form |= {"client_id": identity, "client_secret": secret}
    credentials = (quote(identity, safe=""), quote(secret, safe="")) if in_header else None

    async def ask() -> _Token:
        try:
            async with httpx.AsyncClient(verify=trust(auth.ca_file), trust_env=False, timeout=_LONGEST_S) as client:
                reply = await client.post(
                    auth.token_url,
                    data={name: value for name, value in form.items() if value},
                    auth=credentials or httpx.USE_CLIENT_DEFAULT,
                    headers={"accept": "application/json"},
                )
        except httpx.HTTPError as error:
            raise TargetError(auth.token_url, f"no token: {str(error) or type(error).__name__}") from None
        document = _object(reply)
        token = document.get("access_token")
        if not reply.is_success or not isinstance(token, str) or not token:
            told = document.get("error_description") or document.get("error") or "no access_token"
            raise TargetError(
                auth.token_url,
                f"no token: {reply.status_code}, {str(told)[:_SHOWN_CHARACTERS]}",
                hint="look at auth: token_url, scope, client_in, and the id and secret in the environment",
            )
        lifetime = document.get("expires_in")
        return _Token(token, float(lifetime) if isinstance(lifetime, (int, float)) else _DEFAULT_LIFETIME_S)

    return ask


def _from_command(auth: CommandAuth, principal: str, command: tuple[str, ...]) -> Ask:
    async def ask() -> _Token:
        key = f"auth.{principal}"
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise UserError(f"{key}: {command[0]} cannot be run: {error.strerror}") from None
        try:
            out, err = await asyncio.wait_for(process.communicate(), _LONGEST_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise UserError(f"{key}: {command[0]} did not end within {_LONGEST_S:g} s") from None
        token = out.decode("utf-8", "replace").strip()
        if process.returncode or not token or not token.isprintable():
            told = err.decode("utf-8", "replace").strip()[-_SHOWN_CHARACTERS:] or "it printed no token"
            raise UserError(f"{key}: {command[0]} ended with {process.returncode}: {told}")
        return _Token(token, auth.lifetime_s)

    return ask


def _object(reply: httpx.Response) -> dict[str, Any]:
    try:
        document = reply.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _own_lifetime_s(token: str) -> float | None:
    """How long a JWT says that it holds from now; ``None`` when it does not say, or is no JWT."""
    try:
        expires = jwt.decode(token, options={"verify_signature": False}).get("exp")
    except jwt.PyJWTError:
        return None
    return max(expires - time.time(), 0.0) or None if isinstance(expires, (int, float)) else None
