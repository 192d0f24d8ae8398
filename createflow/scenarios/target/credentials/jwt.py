"""``kind = "jwt"``: the tester mints its own tokens with the issuer's key (RFC 7519, RFC 9068)."""

import secrets
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import jwt

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials.forged_tokens import IssuerKey
from createflow.scenarios.target.credentials.provider import AuthProvider
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Issuer
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import JwtAuth

_LIFETIME_S = 900
_EXPIRED_FOR_S = 3600


class Provider(AuthProvider):
    """Mints tokens for any number of subjects."""

    can_mint: ClassVar[bool] = True

    def __init__(self, auth: JwtAuth, mask: Mask, environment: Mapping[str, str]) -> None:
        del mask, environment
        self._auth = auth

    def tokens(self, owner: str) -> "MintedTokens":
        """Principals whose subjects begin with the owner."""
        _ = self._key  # a key that cannot sign is reported here, before the first request
        return MintedTokens(self, self._auth, owner)

    def writers(self, owner: str, count: int) -> list[Principal]:
        """As many as wanted, with the subjects ``owner-0``, ``owner-1`` and so on."""
        tokens = self.tokens(owner)
        return [tokens.numbered_writer(number) for number in range(count)]

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Each line of the key file."""
        try:
            lines = Path(self._auth.key_file).read_text(encoding="ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            return  # reported where the key is needed
        for line in lines:
            if line and not line.startswith("-----"):
                yield line.strip(), "$KEY"

    def issuer(self) -> Issuer:
        """The issuer's key."""
        return IssuerKey(Path(self._auth.key_file), self._auth.algorithm, leeway_s=self._auth.leeway_s)

    def mint(self, subject: str, roles: tuple[str, ...], *, lifetime_s: int = _LIFETIME_S, age_s: int = 0) -> str:
        """A new token, issued ``age_s`` seconds ago.

        Raises:
            UserError: the key file is not a private key for the algorithm.
        """
        return self._signed(self._key, subject, roles, lifetime_s=lifetime_s, age_s=age_s)

    @cached_property
    def _key(self) -> bytes:
        key = Path(self._auth.key_file).read_bytes()
        try:
            self._signed(key, "nobody", (), lifetime_s=_LIFETIME_S, age_s=0)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise UserError(
                f"auth.key_file {self._auth.key_file}: not a private key for {self._auth.algorithm}: {error}",
                hint="a PEM private key, without a password",
            ) from None
        return key

    def _signed(self, key: bytes, subject: str, roles: tuple[str, ...], *, lifetime_s: int, age_s: int) -> str:
        issued = int(time.time()) - age_s
        claims: dict[str, Any] = {
            "iss": self._auth.issuer,
            "aud": self._auth.audience,
            "sub": subject,
            "client_id": "createflow",
            "iat": issued,
            "exp": issued + lifetime_s,
            "jti": secrets.token_hex(12),
            self._auth.roles_claim: list(roles),
        }
        headers = {"typ": self._auth.type} | ({"kid": self._auth.key_id} if self._auth.key_id else {})
        return jwt.encode(claims, key, algorithm=self._auth.algorithm, headers=headers)


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
        if set(self._auth.reader_roles) >= set(self._auth.writer_roles):
            raise NotDeclared("`auth.reader_roles` are those of a writer")
        return self._principal("writer", self._auth.reader_roles)

    def expired(self) -> Principal:
        """The writer with a token that expired an hour ago."""
        return self._principal("writer", self._auth.writer_roles, age_s=_EXPIRED_FOR_S + _LIFETIME_S)

    def _principal(self, part: str, roles: tuple[str, ...], *, age_s: int = 0) -> Principal:
        subject = f"{self._owner}-{part}"
        return Principal(
            subject,
            self._provider.mint(subject, roles, age_s=age_s),
            self._auth.scheme,
            self._auth.header.lower(),
            expires_at=None if age_s else time.time() + _LIFETIME_S,
            renew=None if age_s else lambda: self._principal(part, roles),
        )
