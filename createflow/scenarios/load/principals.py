"""Who the load comes from: many subjects, none of them near its own rate limit."""

import math
import os
import time
from collections.abc import Mapping
from pathlib import Path

import jwt

from createflow.schemas.error import UserError
from createflow.schemas.profile import ApiKeyAuth, Auth, JwtAuth, Limits, NoAuth, Profile, StaticAuth

DEFAULT_COUNT = 100
_SHARE_OF_LIMIT = 0.8
"""Each principal stays below this share of its limit, so that the limiter is not what is measured."""
_LIFETIME_MARGIN_S = 300


def enough_principals(asked: int, *, rate_per_s: float, limits: Limits | None) -> int:
    """As many as asked, or more when each would otherwise come near its rate limit."""
    if limits is None:
        return asked
    return max(asked, math.ceil(rate_per_s / (limits.rate_per_s * _SHARE_OF_LIMIT)))


def tokens(
    profile: Profile, count: int, *, run_id: str, lifetime_s: float, environment: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """One bearer token a principal: minted with the issuer's key, or those that the profile names.

    Args:
        profile: its ``[auth]`` says which.
        count: how many to mint; a static profile has one or two, an open endpoint none.
        run_id: goes into the subjects.
        lifetime_s: how long they must hold.
        environment: where a static profile's tokens are.

    Raises:
        UserError: no token where the profile says one is, or a key that cannot sign.
    """
    match profile.auth:
        case NoAuth():
            return ()
        case (
            StaticAuth(writer_env=writer, other_writer_env=other)
            | ApiKeyAuth(writer_env=writer, other_writer_env=other)
        ):
            if not environment.get(writer):
                raise UserError(f"the environment variable {writer} holds no token", hint=f"export {writer}=...")
            return tuple(environment[name] for name in (writer, other) if name and environment.get(name))
        case JwtAuth() as auth:
            return _minted(auth, count, run_id, lifetime_s)
        case auth:
            raise UserError(f'bench cannot ask with auth.kind = "{auth.kind}"', hint='use "static", "api_key" or "jwt"')


def credential(auth: Auth) -> tuple[str, str]:
    """The header that carries a token, and the word before it."""
    return ("Authorization", "Bearer") if isinstance(auth, NoAuth) else (auth.header, auth.scheme)


def _minted(auth: JwtAuth, count: int, run_id: str, lifetime_s: float) -> tuple[str, ...]:
    now = int(time.time())
    headers = {"typ": auth.type} | ({"kid": auth.key_id} if auth.key_id else {})
    claims = {
        "iss": auth.issuer,
        "aud": auth.audience,
        auth.roles_claim: list(auth.writer_roles),
        "iat": now,
        "exp": now + math.ceil(lifetime_s) + _LIFETIME_MARGIN_S,
    }
    try:
        key = Path(auth.key_file).read_text(encoding="utf-8")
        return tuple(
            jwt.encode(
                claims | {"sub": f"load-{run_id}-{number}", "jti": f"{run_id}-{number}"},
                key,
                algorithm=auth.algorithm,
                headers=headers,
            )
            for number in range(count)
        )
    except (OSError, ValueError, TypeError, jwt.PyJWTError) as error:
        raise UserError(
            f"the signing key {auth.key_file} cannot sign {auth.algorithm} tokens: {error}",
            hint="[auth] key_file must be a PEM private key of that algorithm",
        ) from None
