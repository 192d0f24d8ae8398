"""What every kind of ``[auth]`` provides: principals, the secrets to mask, and for some kinds the issuer's key."""

import contextlib
import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Protocol

import jwt

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import Issuer, Tokens
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import EnvironmentAuth, OAuth2PasswordAuth, OAuth2RefreshAuth, Placed

PRINCIPALS = ("writer", "other_writer", "reader", "expired")
"""The principals that a profile can declare."""
_MOST_SUBJECT_CHARACTERS = 1_000


class AuthProvider(Protocol):
    """One kind of ``[auth]``. Kinds inherit from it and define ``tokens``; the rest has a default.

    Constructing a provider reads nothing: neither files nor the environment, and no request is sent.
    """

    can_mint: ClassVar[bool] = False
    """The provider signs tokens itself, for any number of subjects."""

    def tokens(self, owner: str) -> Tokens | None:
        """The principals of one check or of one load; ``None`` when the endpoint needs no credential.

        Args:
            owner: begins the subjects of tokens that are minted, so that each check has its own.

        Raises:
            UserError: an environment variable is not set, or the key cannot sign.
        """

    def writers(self, owner: str, count: int) -> list[Principal]:
        """Principals that may create, for a load.

        Args:
            owner: begins the subjects of tokens that are minted.
            count: how many to mint. A provider that cannot mint returns the one or two writers of the profile.
        """
        del count
        tokens = self.tokens(owner)
        found: list[Principal] = []
        for writer in () if tokens is None else (tokens.writer, tokens.other_writer):
            with contextlib.suppress(NotDeclared):
                found.append(writer())
        return found

    def secrets(self) -> Iterable[tuple[str, str]]:
        """Each secret that the section names, with the text that is shown in its place. Missing ones are left out."""
        return ()

    def issuer(self) -> Issuer | None:
        """The issuer's key; ``None`` where the provider cannot sign."""
        return None

    def mint(self, subject: str, roles: tuple[str, ...], *, lifetime_s: int) -> str:
        """A new token.

        Raises:
            NotDeclared: this kind cannot sign tokens.
        """
        del subject, roles, lifetime_s
        raise NotDeclared("this kind of [auth] cannot sign tokens")

    async def open(self) -> None:
        """Get the first tokens and start to renew them, where tokens are requested during the run.

        Raises:
            TargetError: the token endpoint cannot be reached or refuses.
            UserError: a command prints no token.
        """

    async def close(self) -> None:
        """Stop renewing."""


class NamedTokens(Protocol):
    """Base of the kinds that know each principal by its name in the profile. Fills the role Tokens."""

    @abstractmethod
    def principal(self, name: str) -> Principal:
        """One of ``PRINCIPALS``.

        Raises:
            NotDeclared: the profile does not configure it.
        """

    def writer(self) -> Principal:
        """May create."""
        return self.principal("writer")

    def other_writer(self) -> Principal:
        """May create, with another subject."""
        return self.principal("other_writer")

    def reader(self) -> Principal:
        """Is authenticated but may not create."""
        return self.principal("reader")

    def expired(self) -> Principal:
        """The writer with an expired token."""
        return self.principal("expired")


def placed(who: Principal, auth: object) -> Principal:
    """The principal with its token where the section says: in the header, in the query or in a cookie."""
    if not isinstance(auth, Placed) or auth.sent_in == "header":
        return who
    name = auth.sent_as or ""
    if auth.sent_in == "query":
        return replace(who, header="", scheme="", query=name)
    return replace(who, header="cookie", scheme="", cookie=name)


def writer_of(tokens: Tokens | None) -> Principal:
    """The writer, or ``ANONYMOUS`` when the endpoint needs no credential."""
    return ANONYMOUS if tokens is None else tokens.writer()


def senders_of(tokens: Tokens | None) -> dict[str, Principal]:
    """The principals that may send requests before and after the checks, by their names in the profile."""
    found = {"writer": writer_of(tokens)}
    for name in ("other_writer", "reader") if tokens is not None else ():
        with contextlib.suppress(NotDeclared):
            found[name] = getattr(tokens, name)()
    return found


def environment_values(auth: EnvironmentAuth, environment: Mapping[str, str]) -> dict[str, str]:
    """The values of the environment variables that the section names, by principal.

    Raises:
        UserError: one of them is not set, or cannot be sent.
    """
    return _values(auth, PRINCIPALS, environment)


def client_of(auth: OAuth2PasswordAuth | OAuth2RefreshAuth, environment: Mapping[str, str]) -> tuple[str, str]:
    """Id and secret of the client; empty where there is none.

    Raises:
        UserError: its variable is not set, or cannot be sent.
    """
    client_id, _, client_secret = _values(auth, ("client",), environment).get("client", "").partition(":")
    return client_id, client_secret


def _values(auth: EnvironmentAuth, names: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for principal in names:
        variable = getattr(auth, f"{principal}_env", None)
        if variable is None:
            continue
        if not environment.get(variable):
            raise UserError(
                f"auth.{principal}_env: the environment variable {variable} is not set",
                hint=f"export {variable}=...",
            )
        if not _is_sendable(environment[variable]):
            raise UserError(
                f"auth.{principal}_env: the environment variable {variable} has a character that no header can have",
                hint="look for a line break at its end",
            )
        values[principal] = environment[variable]
    return values


def _is_sendable(value: str) -> bool:
    """Without control characters (RFC 9110 §5.5) and bytes that are no text."""
    return not any(letter < " " or letter == "\x7f" or "\ud800" <= letter <= "\udfff" for letter in value)


def environment_secrets(
    auth: EnvironmentAuth, environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[str, str]]:
    """The values of the variables that the section names, and the part after the colon of ``user:password``."""
    for name in (*PRINCIPALS, "client"):
        variable = getattr(auth, f"{name}_env", None)
        if variable and (value := environment.get(variable)):
            yield value, f"${variable}"
            user, colon, password = value.partition(":")
            if colon and user:
                yield password, f"${variable}"


def claims_of(token: str) -> Mapping[str, Any]:
    """What a JWT says, whoever signed it; empty for an opaque token."""
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):  # whatever an issuer puts into it
        return {}


def subject_of(token: str) -> str | None:
    """The subject (``sub``) of a JWT; ``None`` for an opaque token, and where no store could hold the subject."""
    subject = claims_of(token).get("sub")
    is_usable = isinstance(subject, str) and subject.isprintable() and 0 < len(subject) <= _MOST_SUBJECT_CHARACTERS
    return subject if is_usable else None
