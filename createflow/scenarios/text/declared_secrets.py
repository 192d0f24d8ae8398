"""The secrets that a profile's ``[auth]`` names: known before the first request, also those that no check uses."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from createflow.schemas.profile import Auth, JwtAuth


def declared_secrets(auth: Auth, environment: Mapping[str, str] = os.environ) -> Iterator[tuple[str, str]]:
    """Each secret, and what is shown in its place."""
    for name in type(auth).model_fields:
        variable = getattr(auth, name)
        if name.endswith("_env") and variable and environment.get(variable):
            value = environment[variable]
            yield value, f"${variable}"
            user, colon, password = value.partition(":")
            if colon and user:
                yield password, f"${variable}"
    if isinstance(auth, JwtAuth):
        try:
            lines = Path(auth.key_file).read_text(encoding="ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            return  # whoever needs the key will say so
        for line in lines:
            if line and not line.startswith("-----"):
                yield line.strip(), "$KEY"
