"""Who may do what, and what proves who it is: shared by step 3 and by whatever verifies tokens."""

from typing import Protocol

from createflow.reference_server.domain.job import Principal

_READ = frozenset({"read"})
_WRITE = _READ | {"create", "update", "delete"}
PERMISSIONS: dict[str, frozenset[str]] = {
    "reader": _READ,
    "writer": _WRITE,
    "admin": _WRITE | {"others"},
}
"""Role to permissions; ``others`` is writing what somebody else created."""


class InvalidTokenError(Exception):
    """The token proves nothing; the message is for the log."""


class Tokens(Protocol):
    """Verifies access tokens."""

    def verify(self, token: str) -> Principal:
        """The token's principal.

        Raises:
            InvalidTokenError: malformed, not signed by the issuer, expired, for somebody else.
        """
