"""``kind = "jwt"``: the tester mints its own tokens with the issuer's key or secret (RFC 7519, RFC 9068)."""

import binascii
import secrets
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import jwt

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials.forged_tokens import HMAC_ALGORITHMS, IssuerKey, Jws
from createflow.scenarios.target.credentials.provider import AuthProvider, placed
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Issuer
from createflow.scenarios.text.json_pointer import reference_tokens
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import JwtAuth

_LIFETIME_S = 900
_EXPIRED_FOR_S = 3600
_FROM_URL_SAFE = str.maketrans("-_", "+/")


class Provider(AuthProvider):
    """Mints tokens for any number of subjects."""

    can_mint: ClassVar[bool] = True

    def __init__(self, auth: JwtAuth, mask: Mask, environment: Mapping[str, str]) -> None:
        del mask
        self._auth = auth
        self._environment = environment

    def tokens(self, owner: str) -> "MintedTokens":
        """Principals whose subjects begin with the owner."""
        _ = self._key  # a key that cannot sign is reported here, before the first request
        return MintedTokens(self, self._auth, owner)

    def writers(self, owner: str, count: int) -> list[Principal]:
        """As many as wanted, with the subjects ``owner-0``, ``owner-1`` and so on."""
        tokens = self.tokens(owner)
        return [tokens.numbered_writer(number) for number in range(count)]

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The secret, or each line of the key file."""
        if (variable := self._auth.secret_env) is not None:
            if secret := self._environment.get(variable):
                yield secret, f"${variable}"
            return
        if self._auth.key_file is None:
            return
        try:
            lines = Path(self._auth.key_file).read_text(encoding="ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            return  # reported where the key is needed
        for line in lines:
            if line and not line.startswith("-----"):
                yield line.strip(), "$KEY"

    def issuer(self) -> Issuer:
        """The issuer's key."""
        key = self._secret() if self._auth.key_file is None else Path(self._auth.key_file)
        return IssuerKey(key, self._auth.algorithm, leeway_s=self._auth.leeway_s)

    def mint(self, subject: str, roles: tuple[str, ...], *, lifetime_s: int = _LIFETIME_S, age_s: int = 0) -> str:
        """A new token, issued ``age_s`` seconds ago.

        Raises:
            UserError: the key file is not a private key for the algorithm, or there is no secret.
        """
        return self._signed(self._key, subject, roles, lifetime_s=lifetime_s, age_s=age_s)

    @cached_property
    def _key(self) -> bytes:
        if self._auth.key_file is None:
            return self._secret()
        key = Path(self._auth.key_file).read_bytes()
        try:
            self._signed(key, "nobody", (), lifetime_s=_LIFETIME_S, age_s=0)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise UserError(
                f"auth.key_file {self._auth.key_file}: not a private key for {self._auth.algorithm}: {error}",
                hint="a PEM private key, without a password",
            ) from None
        return key

    def _secret(self) -> bytes:
        variable = self._auth.secret_env or ""
        value = self._environment.get(variable)
        if not value:
            raise UserError(
                f"auth.secret_env: the environment variable {variable} is not set", hint=f"export {variable}=..."
            )
        if self._auth.secret_encoding == "text":  # noqa: S105 - no secret
            return value.encode("utf-8", "surrogateescape")
        try:
            return b64decode(value.translate(_FROM_URL_SAFE) + "=" * (-len(value) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise UserError(
                f"auth.secret_env: the environment variable {variable} is not base64",
                hint='auth.secret_encoding = "text" if it is the secret itself',
            ) from None

    def _signed(self, key: bytes, subject: str, roles: tuple[str, ...], *, lifetime_s: int, age_s: int) -> str:
        issued = int(time.time()) - age_s
        claims: dict[str, Any] = {
            "client_id": "createflow",
            **self._auth.claims,
            "sub": subject,
            "iat": issued,
            "exp": issued + lifetime_s,
            "jti": secrets.token_hex(12),
        }
        claims |= {} if self._auth.issuer is None else {"iss": self._auth.issuer}
        claims |= {} if self._auth.audience is None else {"aud": self._auth.audience}
        claims = self._with_roles(claims, roles)
        headers = {"typ": self._auth.type} | ({"kid": self._auth.key_id} if self._auth.key_id else {})
        if self._auth.algorithm in HMAC_ALGORITHMS:  # by any secret, also one that a library finds too short
            return Jws(headers, claims).sign_with_hmac(self._auth.algorithm, key)
        return jwt.encode(claims, key, algorithm=self._auth.algorithm, headers=headers)

    def _with_roles(self, claims: dict[str, Any], roles: tuple[str, ...]) -> dict[str, Any]:
        """The claims with the roles, in a member of another claim where ``roles_claim`` is a JSON Pointer."""
        place = self._auth.roles_claim
        if not place:
            return claims
        names = reference_tokens(place) if place.startswith("/") else [place]
        is_text = self._auth.roles_as == "text" or (self._auth.roles_as is None and names[-1] == "scope")
        value: Any = " ".join(roles) if is_text else list(roles)
        return _with_member(claims, names, value)


def _with_member(document: Mapping[str, Any], names: list[str], value: Any) -> dict[str, Any]:
    """A copy of the document with the value at this path of names."""
    name, *inner = names
    if not inner:
        return {**document, name: value}
    below = document.get(name)
    return {**document, name: _with_member(below if isinstance(below, Mapping) else {}, inner, value)}


class MintedTokens:
    """Fills the role Tokens. Every token is new, and can be renewed."""

    def __init__(self, provider: Provider, auth: JwtAuth, owner: str) -> None:
        self._provider = provider
        self._auth = auth
        self._owner = owner

    def writer(self) -> Principal:
        """May create."""
        return self._principal("writer", self._auth.writer_roles)

    def other_writer(self) -> Principal:
        """May create, with another subject."""
        return self._principal("other", self._auth.writer_roles)

    def numbered_writer(self, number: int) -> Principal:
        """May create; each number is another subject."""
        return self._principal(str(number), self._auth.writer_roles)

    def reader(self) -> Principal:
        """The writer's subject with a reader's roles: nothing else differs.

        Raises:
            NotDeclared: there are no roles, or all have the same.
        """
        if not self._auth.roles_claim:
            raise NotDeclared("`auth.roles_claim` is empty: tokens have no roles")
        if set(self._auth.reader_roles) >= set(self._auth.writer_roles):
            raise NotDeclared("`auth.reader_roles` are those of a writer")
        return self._principal("writer", self._auth.reader_roles)

    def expired(self) -> Principal:
        """The writer with a token that expired an hour ago."""
        return self._principal("writer", self._auth.writer_roles, age_s=_EXPIRED_FOR_S + _LIFETIME_S)

    def _principal(self, part: str, roles: tuple[str, ...], *, age_s: int = 0) -> Principal:
        subject = f"{self._owner}-{part}"
        who = Principal(
            subject,
            self._provider.mint(subject, roles, age_s=age_s),
            self._auth.scheme,
            self._auth.header.lower(),
            expires_at=None if age_s else time.time() + _LIFETIME_S,
            renew=None if age_s else lambda: self._principal(part, roles),
        )
        return placed(who, self._auth)
