"""The sender of a request, and its credential."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

_MARGIN_S = 30.0
"""A token is renewed this long before it expires, so that no request arrives with an expired one."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A subject with a token; ``ANONYMOUS`` has neither."""

    subject: str | None
    """The name that the target should show; ``None`` when the token does not say it."""
    token: str | None
    scheme: str = "Bearer"
    """The scheme before the token; empty for none."""
    header: str = "authorization"
    """The header that carries the token, lower case."""
    account: str = ""
    """Its name, where the token does not say a subject and does not stay: it is renewed."""
    expires_at: float | None = field(default=None, compare=False)
    """Seconds since the epoch, when known."""
    renew: "Callable[[], Principal] | None" = field(default=None, compare=False, repr=False)
    """Returns the same principal with a newer token."""
    original: "Principal | None" = field(default=None, compare=False, repr=False)
    """The subject with its ordinary token, where this is another one, which may end before the run does."""

    @property
    def identity(self) -> str:
        """What distinguishes it from others: its subject, or what stands for one; empty for nobody."""
        return self.subject or self.account or self.token or ""

    def holding(self, token: str) -> "Principal":
        """The same subject with another token; nothing else of the request differs."""
        return replace(self, token=token, expires_at=None, renew=None, original=self.original or self)

    def current(self) -> "Principal":
        """The same principal, with a renewed token when this one expires soon and can be renewed."""
        if self.renew is None or self.expires_at is None or time.time() < self.expires_at - _MARGIN_S:
            return self
        return self.renew()

    def credential(self, token: str) -> str:
        """The header's value with this text as the token."""
        return f"{self.scheme} {token}".strip()


ANONYMOUS = Principal(None, None)
