"""``createflow token``: issue an access token with the signing key of a profile."""

import time
from pathlib import Path
from typing import Annotated

import typer

from createflow.cli.options import DEFAULT_STATE, StateOption
from createflow.schemas.error import UserError
from createflow.schemas.profile import JwtAuth


def token(
    *,
    role: Annotated[str, typer.Option(help="Role in the token. On the bundled stack: writer, reader or admin.")],
    subject: Annotated[str, typer.Option(help="Subject of the token.")] = "user-1",
    lifetime_s: Annotated[int, typer.Option(min=1, max=86400, help="Lifetime in seconds.")] = 3600,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help='Profile whose auth.kind is "jwt". Default: the profile of the running stack.'
        ),
    ] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Print an access token for the reference or for your endpoint.

    The profile must name the signing key.

    Example: TOKEN=$(createflow token --role writer)
    """
    import jwt

    from createflow.schemas import profile_file

    file = profile or state / "profile.toml"
    if profile is None and not file.exists():
        raise UserError(
            f"no stack is running with the state directory {state}",
            hint="start one with createflow up, or name a profile: --profile FILE",
        )
    auth = profile_file.load(file).auth
    if not isinstance(auth, JwtAuth):
        raise UserError(f"{file}: [auth] kind is {auth.kind!r}, which has no signing key", hint='use kind = "jwt"')
    now = int(time.time())
    claims = {
        "iss": auth.issuer,
        "aud": auth.audience,
        "sub": subject,
        auth.roles_claim: [role],
        "iat": now,
        "exp": now + lifetime_s,
        "jti": f"{subject}-{now}",
    }
    headers = {"typ": auth.type, **({"kid": auth.key_id} if auth.key_id else {})}
    typer.echo(jwt.encode(claims, Path(auth.key_file).read_text(), algorithm=auth.algorithm, headers=headers))
