"""``kind = "static"``: one token for each principal, in an environment variable."""

import os
from collections.abc import Iterator, Mapping
from functools import cached_property

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials.provider import (
    AuthProvider,
    NamedTokens,
    environment_secrets,
    environment_values,
    placed,
    subject_of,
)
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Tokens
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile_auth import EnvironmentAuth


class Provider(NamedTokens, AuthProvider):
    """Reads the credentials from the environment, once. Fills the role Tokens itself."""

    def __init__(self, auth: EnvironmentAuth, mask: Mask, environment: Mapping[str, str] = os.environ) -> None:
        del mask  # the run masks what ``secrets`` returns
        self._auth = auth
        self._environment = environment

    def tokens(self, owner: str) -> Tokens:
        """The same principals for every owner."""
        del owner
        _ = self._values  # an unset variable is reported here, before the first request
        return self

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The values of the variables."""
        return environment_secrets(self._auth, self._environment)

    def principal(self, name: str) -> Principal:
        """The principal of this name. Raises NotDeclared when the profile does not configure it."""
        if name not in self._values:
            raise NotDeclared(f"`auth.{name}_env` is not configured")
        subject, text = self._values[name]
        return placed(Principal(subject, text, self._auth.scheme, self._auth.header.lower()), self._auth)

    def credential(self, principal: str, value: str) -> tuple[str | None, str]:
        """The subject, where it is known, and the text that goes into the header.

        Args:
            principal: its name in the profile, for errors.
            value: of the environment variable.
        """
        del principal
        return subject_of(value), value

    @cached_property
    def _values(self) -> dict[str, tuple[str | None, str]]:
        values = environment_values(self._auth, self._environment)
        return {principal: self.credential(principal, value) for principal, value in values.items()}
