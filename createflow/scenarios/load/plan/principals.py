"""The principals that send the load: enough of them to stay below each one's rate limit, with renewed tokens."""

import math
from types import TracebackType
from typing import Self

from createflow.scenarios.target.credentials.provider import senders_of
from createflow.scenarios.target.credentials.registry import auth_provider
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile import Limits
from createflow.schemas.profile_auth import Auth

DEFAULT_COUNT = 100
_MAX_LIMIT_RATIO = 0.8
"""Each principal stays below this share of its rate limit, so that the load does not measure the limiter."""


def count_principals(requested: int, *, rate_per_s: float, limits: Limits | None) -> int:
    """The requested number, or more if each would otherwise come near its rate limit."""
    if limits is None:
        return requested
    return max(requested, math.ceil(rate_per_s / (limits.rate_per_s * _MAX_LIMIT_RATIO)))


class Principals:
    """The principals of one run.

    Where tokens can be minted there are as many as requested; otherwise the one or two writers of the profile.

    Args:
        auth: the ``[auth]`` section.
        count: the requested number.
        run_id: part of the subjects that are minted.
        mask: learns the tokens.

    Raises:
        UserError: the profile's token is missing, or its key cannot sign.
    """

    def __init__(self, auth: Auth, count: int, *, run_id: str, mask: Mask) -> None:
        if auth.kind == "signer":
            raise UserError(
                "createflow bench signs no requests: a command would be slower than the load",
                hint='auth.kind = "signer" is for run; a load needs a credential that stays for some time',
            )
        self._mask = mask
        self._owner = f"load-{run_id}"
        self._for_sampler: Principal | None = None
        self._provider = auth_provider(auth, mask)
        self.can_be_minted = self._provider.can_mint
        self._principals = self._provider.writers(self._owner, count + 1)
        if self.can_be_minted:
            self._for_sampler = self._principals.pop()

    async def __aenter__(self) -> Self:
        """Get the tokens, and renew them until the exit.

        Raises:
            TargetError: the token endpoint cannot be reached, or returns no token.
        """
        await self._provider.open()
        if not self.can_be_minted:
            self._principals = self._provider.writers(self._owner, self.count)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop renewing tokens."""
        await self._provider.close()

    @property
    def count(self) -> int:
        """The number of principals; 1 for an endpoint without authentication."""
        return max(1, len(self._principals))

    def first(self) -> Principal:
        """The first principal, with a token that is still valid for some time."""
        return self._principals[0].current() if self._principals else Principal(None, None)

    def senders(self) -> dict[str, Principal]:
        """The principals that may send requests before and after the load, by their names in the profile."""
        return {**senders_of(self._provider.tokens(self._owner)), "writer": self.first()}

    def for_sampler(self) -> Principal:
        """The principal of the sampler: one that sends no load, if tokens can be minted."""
        return self.first() if self._for_sampler is None else self._for_sampler.current()

    def all(self) -> list[Principal]:
        """All principals; none for an endpoint without authentication."""
        return [principal.current() for principal in self._principals]

    def subjects(self) -> list[str]:
        """The subjects that only this run uses; none if tokens cannot be minted."""
        return [principal.subject or "" for principal in self._principals] if self.can_be_minted else []

    def credentials(self) -> tuple[tuple[str, ...], ...]:
        """The parts of each principal's credential, with tokens that are still valid for some time."""
        self._principals = [principal.current() for principal in self._principals]
        for principal in self._principals:
            for secret in principal.secrets():
                self._mask.add(secret, shown="$TOKEN")
        return tuple(principal.parts() for principal in self._principals)
