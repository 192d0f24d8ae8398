"""Tokens that are requested while the run goes on, each renewed before it expires."""

import asyncio
import contextlib
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials.provider import AuthProvider, NamedTokens, claims_of, placed, subject_of
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Tokens
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile_auth import Credential

REQUEST_TIMEOUT_S = 15.0
SHOWN_CHARACTERS = 200
_RENEW_AT_RATIO = 0.5
"""Share of the lifetime after which a token is renewed: a check can use a token for as long again."""
_RETRY_S = 2.0
_LATEST_S = 1e11
"""The year 5138: whatever is said to be later is no time."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, and for how many seconds it is valid unless it says so itself."""

    text: str
    lifetime_s: float
    also: tuple[tuple[str, str], ...] = ()
    """Headers that go with it."""


Request = Callable[[], Awaitable[IssuedToken]]
"""Requests a new token. Raises TargetError or UserError."""


class RenewingProvider(NamedTokens, AuthProvider):
    """Base of the kinds that request tokens. Fills the role Tokens itself, once it is open."""

    def __init__(self, auth: Credential, mask: Mask, *, cookie: str = "") -> None:
        self._auth = auth
        self._mask = mask
        self._cookie = cookie
        self._requests: Mapping[str, Request] | None = None
        self._principals: dict[str, Principal] = {}
        self._renewals: list[asyncio.Task[None]] = []

    @abstractmethod
    def requests(self) -> Mapping[str, Request]:
        """How the token of each declared principal is requested.

        Raises:
            UserError: an environment variable is not set.
        """

    def tokens(self, owner: str) -> Tokens:
        """The same principals for every owner; they have tokens once the provider is open."""
        del owner
        self._requests = self._requests or self.requests()
        return self

    async def open(self) -> None:
        """Get every token, and start to renew them.

        Raises:
            TargetError: the token endpoint cannot be reached or refuses.
            UserError: a command prints no token.
        """
        self._requests = self._requests or self.requests()
        lifetimes = await asyncio.gather(*(self._fetch(principal) for principal in self._requests))
        for principal, lifetime_s in zip(self._requests, lifetimes, strict=True):
            if principal != "expired":
                self._renewals.append(asyncio.create_task(self._keep_fresh(principal, lifetime_s)))

    async def close(self) -> None:
        """Stop renewing."""
        for task in self._renewals:
            task.cancel()
        await asyncio.gather(*self._renewals, return_exceptions=True)

    def principal(self, name: str) -> Principal:
        """The principal of this name. Raises NotDeclared when the profile does not configure it."""
        if name not in self._principals:
            raise NotDeclared(f"`auth.{name}` is not configured")
        return self._principals[name]

    async def _fetch(self, principal: str) -> float:
        token = await (self._requests or {})[principal]()
        self._mask.add(token.text, shown="$TOKEN")
        for _, value in token.also:
            self._mask.add(value)
        lifetime_s = _own_lifetime_s(token.text) or token.lifetime_s
        who = Principal(
            subject_of(token.text),
            token.text,
            self._auth.scheme,
            self._auth.header.lower(),
            cookie=self._cookie,
            also=token.also,
            account=principal,
            expires_at=time.time() + lifetime_s,
            renew=lambda: self._principals[principal],
        )
        self._principals[principal] = placed(who, self._auth)
        return lifetime_s

    async def _keep_fresh(self, principal: str, lifetime_s: float) -> None:
        while True:
            await asyncio.sleep(max(lifetime_s * _RENEW_AT_RATIO, 1.0))
            while True:
                # The old token is still valid: a failed renewal is tried again, not reported.
                with contextlib.suppress(TargetError, UserError):
                    lifetime_s = await self._fetch(principal)
                    break
                await asyncio.sleep(_RETRY_S)


def _own_lifetime_s(token: str) -> float | None:
    """For how many seconds from now a JWT says it is valid; ``None`` when it does not say, or is not a JWT."""
    expires = claims_of(token).get("exp")
    if not isinstance(expires, (int, float)) or isinstance(expires, bool) or not 0 < expires < _LATEST_S:
        return None
    return max(expires - time.time(), 0.0) or None
