"""Verification of access tokens that are JWTs (RFC 9068), with the issuer's keys."""

import hashlib
import re
from collections import OrderedDict
from typing import Any

import jiter
import jwt
from jwt.utils import base64url_decode, base64url_encode

from createflow.reference_server.adapters.jwks_file import JwksFile, Key
from createflow.reference_server.domain.access import PERMISSIONS, InvalidTokenError, NoKeysError, Principal
from createflow.schemas.clock import Clock

TOKEN_MAX_BYTES = 8 * 1024
LEEWAY_S = 5
CACHE_S = 30.0
CACHE_MAX = 16_384
SUBJECT_MAX = 255
_LATEST_S = 2**53
_SEGMENT = r"(?:[\w-]{4})*(?:[\w-]{2,3})?"
_COMPACT = re.compile(rf"{_SEGMENT}\.{_SEGMENT}\.{_SEGMENT}", re.ASCII)
_REQUIRED = ["exp", "iat", "iss", "aud", "sub"]


class JwtVerifier:
    """Verifies tokens, and caches valid ones for ``CACHE_S``, never past their expiry or a change of keys."""

    def __init__(self, keys: JwksFile, *, issuer: str, audience: str, clock: Clock) -> None:
        self.keys = keys
        self.issuer = issuer
        self.audience = audience
        self.clock = clock
        self._cache: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        self._generation = 0

    def verify(self, token: str) -> Principal:
        """Return the token's principal.

        Raises:
            InvalidTokenError: it is malformed, expired, not signed by the issuer, or for another audience.
            NoKeysError: there is no key yet.
        """
        if len(token) > TOKEN_MAX_BYTES:
            raise InvalidTokenError("too large")
        if not self.keys.is_loaded:  # this reads them again if they have changed
            raise NoKeysError
        if self._generation != self.keys.generation:
            self._generation = self.keys.generation
            self._cache.clear()
        digest = hashlib.sha256(token.encode("latin-1", "replace")).digest()
        cached = self._cache.get(digest)
        now = self.clock.wall()
        if cached is not None and now < cached[0]:
            return cached[1]
        claims = self._claims(token)
        principal = principal_of(claims)
        self._cache[digest] = (min(float(claims["exp"]), now + CACHE_S), principal)
        self._cache.move_to_end(digest)
        if len(self._cache) > CACHE_MAX:
            self._cache.popitem(last=False)
        return principal

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            return self._checked(token)
        except InvalidTokenError:
            raise
        except Exception as error:
            # Not only the library's own errors: a claim like 1e999 or very deep nesting raises others.
            raise InvalidTokenError(type(error).__name__) from error

    def _checked(self, token: str) -> dict[str, Any]:
        self.check_encoding(token)
        header = jwt.get_unverified_header(token)
        self.check_header(header)
        key = self.keys.find(header.get("kid"))
        if key is None:
            raise InvalidTokenError("unknown key")
        claims = self.decode(token, key)
        check_times(claims)
        return claims

    def check_encoding(self, token: str) -> None:
        """Check that the token is in its only valid encoding (RFC 7515 §2), and that header and claims are strict JSON.

        The library's decoder also accepts padding, white space and unused bits. RFC 7515 §5.2, step 3: the header must
        be a UTF-8-encoded JSON object, and RFC 7519 §7.2, step 10, the same of the claims. The library also takes
        UTF-16, UTF-32, a byte order mark (RFC 8259 §8.1), NaN and a name that comes twice.

        Raises:
            InvalidTokenError: it is encoded in another way.
        """
        if not _COMPACT.fullmatch(token):
            raise InvalidTokenError("not the compact serialisation")
        segments = token.split(".")
        parts = [base64url_decode(segment) for segment in segments]
        if any(
            base64url_encode(part) != segment.encode("ascii") for part, segment in zip(parts, segments, strict=True)
        ):
            raise InvalidTokenError("not in its only valid encoding")
        for part in parts[:2]:
            document = jiter.from_json(part, allow_inf_nan=False, catch_duplicate_keys=True)
            if not isinstance(document, dict):
                raise InvalidTokenError("not a JSON object")

    def check_header(self, header: dict[str, Any]) -> None:
        """Check that it is an access token without critical header fields: this server supports none of them.

        Raises:
            InvalidTokenError: it is not.
        """
        if str(header.get("typ", "")).lower() not in {"at+jwt", "application/at+jwt"}:
            raise InvalidTokenError("not an access token")
        if "crit" in header:
            raise InvalidTokenError("critical header fields")

    def decode(self, token: str, key: Key) -> dict[str, Any]:
        """Return the claims after verifying them and the signature.

        Raises:
            PyJWTError: a claim or the signature is not valid.
        """
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
    """Check the times. RFC 7519 §2: a NumericDate is a JSON number; the library also accepts strings.

    Raises:
        InvalidTokenError: a time is not a number, or not a time that a clock can show.
    """
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LATEST_S:
            raise InvalidTokenError(name)


def principal_of(claims: dict[str, Any]) -> Principal:
    """Return subject and permissions of verified claims; unknown or malformed roles give no permission.

    Raises:
        InvalidTokenError: the subject is not 1 to 255 printable characters.
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
