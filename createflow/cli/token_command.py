"""``createflow token``: issue an access token with the signing key of a profile."""

from pathlib import Path
from typing import Annotated

import typer

from createflow.cli.options import DEFAULT_STATE, StateOption
from createflow.schemas.error import UserError


def token(
    *,
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="Role in the token; can be repeated. On the bundled stack: writer, reader or admin. Default: the "
            "writer's roles of the profile."
        ),
    ] = None,
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
    # Here, so that the other commands stay quick.
    from createflow.scenarios.target.credentials.registry import auth_provider
    from createflow.scenarios.text.secret_mask import Mask
    from createflow.schemas import profile_file
    from createflow.schemas.profile_auth import JwtAuth

    file = profile or state / "profile.toml"
    if profile is None and not file.exists():
        raise UserError(
            f"no stack is running with the state directory {state}",
            hint="start one with createflow up, or name a profile: --profile FILE",
        )
    auth = profile_file.load(file).auth
    provider = auth_provider(auth, Mask())
    if not isinstance(auth, JwtAuth) or not provider.can_mint:
        raise UserError(f"{file}: [auth] kind is {auth.kind!r}, which has no signing key", hint='use kind = "jwt"')
    typer.echo(provider.mint(subject, tuple(role or auth.writer_roles), lifetime_s=lifetime_s))
