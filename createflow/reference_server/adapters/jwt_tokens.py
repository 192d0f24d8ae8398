"""Access tokens as JWTs (RFC 9068), verified with the issuer's keys."""

import hashlib
import re
from collections import OrderedDict
from typing import Any

import jwt
from jwt.utils import base64url_decode, base64url_encode

from createflow.reference_server.adapters.jwks_file import JwksFile, Key
from createflow.reference_server.domain.access import PERMISSIONS, InvalidTokenError
from createflow.reference_server.domain.job import Principal
from createflow.schemas.clock import Clock

TOKEN_MAX_BYTES = 8 * 1024
LEEWAY_S = 5
REMEMBER_S = 30.0
REMEMBER_MAX = 16_384
SUBJECT_MAX = 255
_LATEST_S = 2**53
_SEGMENT = r"(?:[\w-]{4})*(?:[\w-]{2,3})?"
_COMPACT = re.compile(rf"{_SEGMENT}\.{_SEGMENT}\.{_SEGMENT}", re.ASCII)
_REQUIRED = ["exp", "iat", "iss", "aud", "sub"]


class JwtTokens:
    """Verifies tokens, and remembers good ones for a while, never past their end or a change of keys."""

    def __init__(self, keys: JwksFile, *, issuer: str, audience: str, clock: Clock) -> None:
        self.keys = keys
        self.issuer = issuer
        self.audience = audience
        self.clock = clock
        self._known: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        self._generation = 0

    def verify(self, token: str) -> Principal:
        """The token's principal.

        Raises:
            InvalidTokenError: malformed, not signed by the issuer, expired, for somebody else.
        """
        if len(token) > TOKEN_MAX_BYTES:
            raise InvalidTokenError("too large")
        self.keys.refresh()
        if self._generation != self.keys.generation:
            self._generation = self.keys.generation
            self._known.clear()
        digest = hashlib.sha256(token.encode("latin-1", "replace")).digest()
        known = self._known.get(digest)
        now = self.clock.wall()
        if known is not None and now < known[0]:
            return known[1]
        claims = self._claims(token)
        principal = principal_of(claims)
        self._known[digest] = (min(float(claims["exp"]), now + REMEMBER_S), principal)
        self._known.move_to_end(digest)
        if len(self._known) > REMEMBER_MAX:
            self._known.popitem(last=False)
        return principal

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            return self._checked(token)
        except InvalidTokenError:
            raise
        except Exception as error:
            # Not only the library's own: a claim like 1e999 or nesting without end fails below it.
            raise InvalidTokenError(type(error).__name__) from error

    def _checked(self, token: str) -> dict[str, Any]:
        self.check_spelling(token)
        header = jwt.get_unverified_header(token)
        self.check_header(header)
        key = self.keys.find(header.get("kid"))
        if key is None:
            raise InvalidTokenError("unknown key")
        claims = self.decode(token, key)
        check_times(claims)
        return claims

    def check_spelling(self, token: str) -> None:
        """One token has one spelling (RFC 7515 §2): the library's decoder takes padding, blanks and unused bits.

        Raises:
            InvalidTokenError: it is spelled in another way.
        """
        if not _COMPACT.fullmatch(token):
            raise InvalidTokenError("not the compact serialisation")
        for segment in token.split("."):
            if base64url_encode(base64url_decode(segment)) != segment.encode("ascii"):
                raise InvalidTokenError("not in its one spelling")

    def check_header(self, header: dict[str, Any]) -> None:
        """An access token, with nothing critical that is not understood here: that is nothing at all.

        Raises:
            InvalidTokenError: it is something else.
        """
        if str(header.get("typ", "")).lower() not in {"at+jwt", "application/at+jwt"}:
            raise InvalidTokenError("not an access token")
        if "crit" in header:
            raise InvalidTokenError("critical header fields")

    def decode(self, token: str, key: Key) -> dict[str, Any]:
        """The claims, when signature and claims hold."""
        return jwt.decode(
            token,
            key.material,
            algorithms=[key.algorithm],
            issuer=self.issuer,
            audience=self.audience,
            leeway=LEEWAY_S,
            options={"require": _REQUIRED},
        )


def check_times(claims: dict[str, Any]) -> None:
    """RFC 7519 §2: a NumericDate is a JSON number; the library takes texts as well.

    Raises:
        InvalidTokenError: it is something else, or no moment that a clock can show.
    """
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LATEST_S:
            raise InvalidTokenError(name)


def principal_of(claims: dict[str, Any]) -> Principal:
    """Subject and permissions of verified claims; roles that are unknown or malformed give nothing.

    Raises:
        InvalidTokenError: the subject cannot be one.
    """
    subject = claims["sub"]
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_MAX or not subject.isprintable():
        raise InvalidTokenError("subject")
    roles = claims.get("roles")
    granted = (
        [PERMISSIONS.get(role, frozenset()) for role in roles if isinstance(role, str)]
        if isinstance(roles, list)
        else []
    )
    return Principal(subject, frozenset().union(*granted))
