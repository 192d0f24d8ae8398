"""Who sends a request, what they may do, and what verifies their token."""

from dataclasses import dataclass
from typing import Protocol

_READ = frozenset({"read"})
_WRITE = _READ | {"create", "update", "delete"}
PERMISSIONS: dict[str, frozenset[str]] = {
    "reader": _READ,
    "writer": _WRITE,
    "admin": _WRITE | {"others"},
}
"""Role to permissions. ``others`` allows to change resources that another subject created."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request, and what they may do."""

    subject: str
    permissions: frozenset[str]


ANONYMOUS = Principal("", frozenset())
"""The principal of a request before step 3."""


class NoKeysError(Exception):
    """There is no key to verify any token with: whether a token is valid cannot be told."""


class InvalidTokenError(Exception):
    """The token is not valid. The message is for the log only."""


class TokenVerifier(Protocol):
    """Verifies access tokens."""

    def verify(self, token: str) -> Principal:
        """Return the token's principal.

        Raises:
            InvalidTokenError: it is malformed, expired, not signed by the issuer, or for another audience.
            NoKeysError: there is no key yet.
        """
