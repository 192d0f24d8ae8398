"""``createflow token``: mint a token as the profile's issuer would."""

import time
from pathlib import Path
from typing import Annotated

import typer

from createflow.cli.state_option import DEFAULT_STATE, StateOption
from createflow.schemas.error import UserError
from createflow.schemas.profile import JwtAuth


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("token")(token)


def token(
    *,
    role: Annotated[str, typer.Option(help="Role in the token: writer, reader or admin on the bundled stack.")],
    subject: Annotated[str, typer.Option(help="Who the token speaks for.")] = "user-1",
    lifetime_s: Annotated[int, typer.Option(min=1, max=86400, help="Seconds until it expires.")] = 3600,
    profile: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='A profile with kind = "jwt"; else the running stack\'s.'),
    ] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Print a token for the bundled stack, or for any deployment whose signing key the profile names.

    TOKEN=$(createflow token --role writer)
    """
    import jwt  # here, because the command line must not pay for it elsewhere

    from createflow.schemas import profile_file

    file = profile or state / "profile.toml"
    if profile is None and not file.exists():
        raise UserError(
            f"no stack is running with the state directory {state}",
            hint="start one with createflow up, or name a profile: --profile FILE",
        )
    auth = profile_file.load(file).auth
    if not isinstance(auth, JwtAuth):
        raise UserError(
            f"{file}: [auth] kind is {auth.kind!r}, so there is no key to sign with", hint='use kind = "jwt"'
        )
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
