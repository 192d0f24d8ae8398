"""``kind = "oauth2_refresh_token"``: tokens from a token endpoint for a refresh token (RFC 6749 §6)."""

import os
from collections.abc import Mapping
from typing import Any

from createflow.scenarios.target.credentials.provider import client_of, environment_values
from createflow.scenarios.target.credentials.renewal import Request
from createflow.scenarios.target.credentials.token_endpoint import TokenEndpointProvider, token_request
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile_auth import OAuth2RefreshAuth


class Provider(TokenEndpointProvider):
    """Requests tokens with the refresh token of each principal, and with the newer one that a reply has."""

    _endpoint: OAuth2RefreshAuth

    def __init__(self, auth: OAuth2RefreshAuth, mask: Mask, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(auth, mask, environment)
        self._newest: dict[str, str] = {}

    def requests(self) -> dict[str, Request]:
        """One refresh token for each declared principal."""
        client_id, client_secret = client_of(self._endpoint, self._environment)
        self._newest = environment_values(self._endpoint, self._environment)
        return {principal: self._request(principal, client_id, client_secret) for principal in self._newest}

    def _request(self, principal: str, client_id: str, client_secret: str) -> Request:
        def learn(document: Mapping[str, Any]) -> None:
            newer = document.get("refresh_token")
            if isinstance(newer, str) and newer:
                self._mask.add(newer)
                self._newest[principal] = newer

        def grant() -> dict[str, str]:
            return {"grant_type": "refresh_token", "refresh_token": self._newest[principal]}

        return token_request(self._endpoint, grant, client_id, client_secret, learn)
