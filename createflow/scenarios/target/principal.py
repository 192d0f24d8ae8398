"""Who sends a request."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

_MARGIN_S = 30.0
"""A token is renewed this long before it expires: a request must not arrive with a stale one."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A subject with a token, or nobody (both ``None``)."""

    subject: str | None
    """What the target should call them; ``None`` when the token does not say."""
    token: str | None
    scheme: str = "Bearer"
    """The word before the token; empty for none."""
    header: str = "authorization"
    """The header that carries the token, lower case."""
    expires_at: float | None = field(default=None, compare=False)
    """Seconds since the epoch, when known."""
    renew: "Callable[[], Principal] | None" = field(default=None, compare=False, repr=False)
    """Gives the same principal with a younger token."""

    def holding(self, token: str) -> "Principal":
        """The same subject with another token: a request that differs in nothing else."""
        return replace(self, token=token, expires_at=None, renew=None)

    def current(self) -> "Principal":
        """The same principal with a token that holds for a while yet, where it can be renewed."""
        if self.renew is None or self.expires_at is None or time.time() < self.expires_at - _MARGIN_S:
            return self
        return self.renew()

    def credential(self, token: str) -> str:
        """The header's value with this text in the token's place."""
        return f"{self.scheme} {token}".strip()


ANONYMOUS = Principal(None, None)
