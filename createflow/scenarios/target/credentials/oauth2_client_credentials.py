"""``kind = "oauth2_client_credentials"``: tokens from a token endpoint (RFC 6749 §4.4)."""

from createflow.scenarios.target.credentials.provider import environment_values
from createflow.scenarios.target.credentials.renewal import Request
from createflow.scenarios.target.credentials.token_endpoint import TokenEndpointProvider, token_request


class Provider(TokenEndpointProvider):
    """Requests tokens with the client id and secret of each principal."""

    def requests(self) -> dict[str, Request]:
        """One client for each declared principal."""
        requests: dict[str, Request] = {}
        for principal, client in environment_values(self._endpoint, self._environment).items():
            client_id, _, client_secret = client.partition(":")
            self._mask.add(client_secret)
            requests[principal] = token_request(
                self._endpoint, lambda: {"grant_type": "client_credentials"}, client_id, client_secret
            )
        return requests
