"""Finds the provider of a profile's ``[auth]``: the class ``Provider`` of the module that is named as the kind."""

import os
from collections.abc import Mapping
from importlib import import_module

from createflow.scenarios.target.credentials.provider import AuthProvider
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile_auth import Auth


def auth_provider(auth: Auth, mask: Mask, environment: Mapping[str, str] = os.environ) -> AuthProvider:
    """The provider of this section.

    Args:
        auth: the profile's ``[auth]``.
        mask: learns every token and secret of the run.
        environment: where variables are looked up.
    """
    module = import_module(f"{__package__}.{auth.kind}")
    provider: AuthProvider = module.Provider(auth, mask, environment)
    return provider
