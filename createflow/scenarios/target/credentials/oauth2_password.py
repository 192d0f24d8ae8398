"""``kind = "oauth2_password"``: tokens from a token endpoint for a user's name and password (RFC 6749 §4.3)."""

import os
from collections.abc import Iterator, Mapping

from createflow.scenarios.target.credentials.oauth2_client_credentials import token_request
from createflow.scenarios.target.credentials.provider import client_of, environment_secrets, environment_values
from createflow.scenarios.target.credentials.renewal import RenewingProvider, Request
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import OAuth2PasswordAuth


class Provider(RenewingProvider):
    """Requests tokens with the name and password of each principal."""

    def __init__(self, auth: OAuth2PasswordAuth, mask: Mask, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(auth, mask)
        self._endpoint = auth
        self._environment = environment

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The values of the variables, and the passwords in them."""
        return environment_secrets(self._endpoint, self._environment)

    def requests(self) -> dict[str, Request]:
        """One user for each declared principal."""
        client_id, client_secret = client_of(self._endpoint, self._environment)
        return {
            principal: self._request(principal, value, client_id, client_secret)
            for principal, value in environment_values(self._endpoint, self._environment).items()
        }

    def _request(self, principal: str, value: str, client_id: str, client_secret: str) -> Request:
        user, colon, password = value.partition(":")
        if not colon:
            raise UserError(f"auth.{principal}_env: the variable does not hold user:password")
        grant = {"grant_type": "password", "username": user, "password": password}
        return token_request(self._endpoint, lambda: grant, client_id, client_secret)
