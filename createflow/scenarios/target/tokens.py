"""Principals and tokens as the profile's ``[auth]`` gives them."""

import base64
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import Tokens
from createflow.schemas.error import UserError
from createflow.schemas.profile import ApiKeyAuth, Auth, BasicAuth, CommandAuth, JwtAuth, NoAuth, OAuth2Auth, StaticAuth

_LIFETIME_S = 900
_LONG_AGO_S = 3600


class MintedTokens:
    """Tokens made with the issuer's key; every check gets subjects of its own.

    Raises:
        UserError: the key file is not a private key for the algorithm.
    """

    def __init__(self, auth: JwtAuth, owner: str) -> None:
        self._auth = auth
        self._owner = owner
        self._key = Path(auth.key_file).read_bytes()
        try:
            self._mint("nobody", ())
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise UserError(
                f"auth.key_file {auth.key_file}: no private key for {auth.algorithm}: {error}",
                hint="a PEM private key, without a password",
            ) from None

    def writer(self) -> Principal:
        """May create."""
        return self._principal("writer", self._auth.writer_roles)

    def other_writer(self) -> Principal:
        """May create, and is somebody else."""
        return self._principal("other", self._auth.writer_roles)

    def numbered_writer(self, number: int) -> Principal:
        """May create, and is somebody else than those of other numbers."""
        return self._principal(str(number), self._auth.writer_roles)

    def reader(self) -> Principal:
        """The writer's own subject with a reader's roles: it differs in nothing else."""
        return self._principal("writer", self._auth.reader_roles)

    def expired(self) -> Principal:
        """The writer with a token that ended an hour ago."""
        return self._principal("writer", self._auth.writer_roles, age_s=_LONG_AGO_S + _LIFETIME_S)

    def _principal(self, part: str, roles: tuple[str, ...], *, age_s: int = 0) -> Principal:
        subject = f"{self._owner}-{part}"
        return Principal(
            subject,
            self._mint(subject, roles, age_s=age_s),
            self._auth.scheme,
            self._auth.header.lower(),
            expires_at=None if age_s else time.time() + _LIFETIME_S,
            renew=None if age_s else lambda: self._principal(part, roles),
        )

    def _mint(self, subject: str, roles: tuple[str, ...], *, age_s: int = 0) -> str:
        issued = int(time.time()) - age_s
        claims: dict[str, Any] = {
            "iss": self._auth.issuer,
            "aud": self._auth.audience,
            "sub": subject,
            "client_id": "createflow",
            "iat": issued,
            "exp": issued + _LIFETIME_S,
            "jti": secrets.token_hex(12),
            self._auth.roles_claim: list(roles),
        }
        headers = {"typ": self._auth.type} | ({"kid": self._auth.key_id} if self._auth.key_id else {})
        return jwt.encode(claims, self._key, algorithm=self._auth.algorithm, headers=headers)


class StaticTokens:
    """Tokens, keys, or users with passwords from the environment.

    Raises:
        UserError: a variable that the profile names is not set, or does not hold what it should.
    """

    def __init__(self, auth: StaticAuth | ApiKeyAuth | BasicAuth, environment: Mapping[str, str] = os.environ) -> None:
        self._auth = auth
        self._values = named_values(auth, environment)
        if isinstance(auth, BasicAuth):
            self._values = {name: _basic(name, value) for name, value in self._values.items()}

    def writer(self) -> Principal:
        """May create."""
        return self._principal("writer")

    def other_writer(self) -> Principal:
        """May create, and is somebody else."""
        return self._principal("other_writer")

    def reader(self) -> Principal:
        """Is known but may not create."""
        return self._principal("reader")

    def expired(self) -> Principal:
        """Holds a token that was good once."""
        return self._principal("expired")

    def _principal(self, name: str) -> Principal:
        if name not in self._values:
            raise NotDeclared(f"no token for this principal: auth.{name}_env")
        token = self._values[name]
        subject = base64.b64decode(token).decode().partition(":")[0] if isinstance(self._auth, BasicAuth) else None
        return Principal(subject or subject_of(token), token, self._auth.scheme, self._auth.header.lower())


def named_values(
    auth: StaticAuth | ApiKeyAuth | BasicAuth | OAuth2Auth, environment: Mapping[str, str]
) -> dict[str, str]:
    """What the variables hold that the profile names, by principal.

    Raises:
        UserError: one of them is not set.
    """
    values: dict[str, str] = {}
    for principal in ("writer", "other_writer", "reader", "expired"):
        variable = getattr(auth, f"{principal}_env", None)
        if variable is None:
            continue
        if not environment.get(variable):
            raise UserError(
                f"auth.{principal}_env: the environment variable {variable} is not set",
                hint=f"export {variable}=...",
            )
        values[principal] = environment[variable]
    return values


def tokens_for(auth: Auth, owner: str) -> MintedTokens | StaticTokens | None:
    """What fills the role Tokens for one check; ``None`` when the endpoint is open, or asks elsewhere for tokens."""
    match auth:
        case JwtAuth():
            return MintedTokens(auth, owner)
        case StaticAuth() | ApiKeyAuth() | BasicAuth():
            return StaticTokens(auth)
        case NoAuth() | OAuth2Auth() | CommandAuth():
            return None


def writer_of(tokens: Tokens | None) -> Principal:
    """The check's own writer, or nobody when the endpoint is open."""
    return ANONYMOUS if tokens is None else tokens.writer()


def _basic(principal: str, value: str) -> str:
    if ":" not in value:
        raise UserError(f"auth.{principal}_env: the variable does not hold user:password")
    return base64.b64encode(value.encode()).decode()


def subject_of(token: str) -> str | None:
    """The subject that a JWT names; ``None`` for an opaque token."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return None
    subject = claims.get("sub")
    return subject if isinstance(subject, str) else None
