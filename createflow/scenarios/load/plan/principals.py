"""Who the load comes from: many subjects, none of them near its own rate limit, with tokens that never run out."""

import math
from types import TracebackType
from typing import Self

from createflow.scenarios.target.credentials.registry import auth_provider
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Limits, Profile

DEFAULT_COUNT = 100
_SHARE_OF_LIMIT = 0.8
"""Each principal stays below this share of its limit, so that the limiter is not what is measured."""


def principal_count(requested: int, *, rate_per_s: float, limits: Limits | None) -> int:
    """The requested number, or more if each would otherwise come near its rate limit."""
    if limits is None:
        return requested
    return max(requested, math.ceil(rate_per_s / (limits.rate_per_s * _SHARE_OF_LIMIT)))


class Principals:
    """As many subjects as asked where tokens can be minted; else the one or two writers that the profile names.

    Raises:
        UserError: no token where the profile says one is, or a key that cannot sign.
    """

    def __init__(self, profile: Profile, count: int, *, run_id: str, mask: Mask) -> None:
        self._mask = mask
        self._owner = f"load-{run_id}"
        self._beside: Principal | None = None
        self._provider = auth_provider(profile.auth, mask)
        self.can_be_minted = self._provider.can_mint
        self._principals = self._provider.writers(self._owner, count + 1)
        if self.can_be_minted:
            self._beside = self._principals.pop()

    async def __aenter__(self) -> Self:
        """Ask for the tokens that must be asked for, and go on renewing them.

        Raises:
            TargetError: the token endpoint cannot be reached or gives none.
        """
        await self._provider.open()
        if not self.can_be_minted:
            self._principals = self._provider.writers(self._owner, self.count)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop renewing."""
        await self._provider.close()

    @property
    def count(self) -> int:
        """How many there are; one nobody where the endpoint is open."""
        return max(1, len(self._principals))

    def one(self, number: int = 0) -> Principal:
        """One of them, with a token that holds for a while yet."""
        return self._principals[number % self.count].current() if self._principals else Principal(None, None)

    def beside(self) -> Principal:
        """Somebody who writes beside the load: none of those where tokens can be minted."""
        return self.one() if self._beside is None else self._beside.current()

    def all(self) -> list[Principal]:
        """Everyone; nobody where the endpoint is open."""
        return [principal.current() for principal in self._principals]

    def subjects(self) -> list[str]:
        """What the target calls those who were made for this run alone."""
        return [principal.subject or "" for principal in self._principals] if self.can_be_minted else []

    def credentials(self) -> tuple[tuple[str, str], ...]:
        """Header and value of each, with tokens that hold for a while yet."""
        self._principals = [principal.current() for principal in self._principals]
        for principal in self._principals:
            self._mask.add(principal.token, shown="$TOKEN")
        return tuple((principal.header, principal.credential(principal.token or "")) for principal in self._principals)
