"""``kind = "none"``: the endpoint needs no credential."""

from collections.abc import Mapping

from createflow.scenarios.target.credentials.provider import AuthProvider
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile_auth import NoAuth


class Provider(AuthProvider):
    """Has no principals."""

    def __init__(self, auth: NoAuth, mask: Mask, environment: Mapping[str, str]) -> None:
        del auth, mask, environment

    def tokens(self, owner: str) -> None:
        """There are none."""
        del owner
