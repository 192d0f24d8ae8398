"""``kind = "oauth2_password"``: tokens from a token endpoint for a user's name and password (RFC 6749 §4.3)."""

from createflow.scenarios.target.credentials.provider import client_of, environment_values
from createflow.scenarios.target.credentials.renewal import Request
from createflow.scenarios.target.credentials.token_endpoint import TokenEndpointProvider, token_request
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import OAuth2PasswordAuth


class Provider(TokenEndpointProvider):
    """Requests tokens with the name and password of each principal."""

    _endpoint: OAuth2PasswordAuth

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
