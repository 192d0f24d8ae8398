"""``kind = "api_key"``: one key for each principal, in an environment variable, sent in a header of its own.

Or in a parameter of the query, or in a cookie.
"""

import os
from collections.abc import Mapping
from dataclasses import replace

from createflow.scenarios.target.credentials import static
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import ApiKeyAuth

_NO_COOKIE = frozenset('",;\\ ')
"""What the value of a cookie cannot have (RFC 6265 §4.1.1)."""


class Provider(static.Provider):
    """Differs from static tokens in where the key is, and in having no scheme; the profile's defaults say so."""

    def __init__(self, auth: ApiKeyAuth, mask: Mask, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(auth, mask, environment)
        self._place = auth

    def principal(self, name: str) -> Principal:
        """The principal of this name. Raises NotDeclared when the profile does not configure it."""
        return self._placed(super().principal(name))

    def credential(self, principal: str, value: str) -> tuple[str | None, str]:
        """The subject of a JWT, and the key.

        Raises:
            UserError: a cookie cannot have this value.
        """
        if self._place.key_in == "cookie" and (not value.isascii() or _NO_COOKIE & set(value)):
            raise UserError(f"auth.{principal}_env: the variable has a character that no cookie can have")
        return super().credential(principal, value)

    def _placed(self, who: Principal) -> Principal:
        match self._place.key_in:
            case "query":
                return replace(who, header="", scheme="", query=self._place.name or "")
            case "cookie":
                return replace(who, header="cookie", scheme="", cookie=self._place.name or "")
        return who
