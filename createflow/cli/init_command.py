"""``createflow init``: write a profile to start from."""

from pathlib import Path
from typing import Annotated

import typer

from createflow.cli.openapi_source import FollowOption, ask_about_origins, checked_origin
from createflow.schemas.error import UserError


def init(
    *,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="The new profile. An existing file is not overwritten."),
    ] = Path("createflow.toml"),
    openapi: Annotated[
        str | None,
        typer.Option(
            "--openapi",
            metavar="FILE_OR_URL",
            help="Fill the profile from this document: OpenAPI 3.0 to 3.2 or Swagger 2.0, JSON or YAML.",
        ),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option("--path", metavar="PATH", help="The create path, if the document has several. Needs --openapi."),
    ] = None,
    follow: FollowOption = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url",
            metavar="URL",
            help="Scheme, host and port of the target. Default: where the document was downloaded from.",
        ),
    ] = None,
) -> None:
    """Write a profile that describes your endpoint.

    The profile has a comment for each setting. With --openapi it is filled
    from the document. The tokens of a run go to base_url, so the servers of
    the document count only if you confirm them.

    Example: createflow init --openapi https://api.example.com/openapi.json
    """
    # Here, so that --help stays quick.
    from createflow.scenarios.drafting.draft import draft_profile, files_beside
    from createflow.scenarios.drafting.first_body import with_first_body
    from createflow.scenarios.openapi.create_operation import find_create_operation
    from createflow.scenarios.openapi.document import is_url, origin_of, read_document

    if openapi is None and (path is not None or follow):
        name = "--path" if path is not None else "--follow"
        raise UserError(f"{name} needs --openapi", hint="createflow init --openapi FILE_OR_URL")
    operation = None
    if openapi is not None:
        operation = find_create_operation(read_document(openapi, allowed=follow or ()), path)
    address = checked_origin(base_url, "--base-url") if base_url is not None else ""
    if not address and openapi is not None and is_url(openapi):
        address = origin_of(openapi)
    trusted: list[str] = []
    if operation is not None:
        operation = with_first_body(operation)
        address, trusted = ask_about_origins(operation, address, is_named=base_url is not None)
    texts = {output: draft_profile(operation, base_url=address, may_send_to=trusted)}
    if operation is not None:
        texts |= {output.parent / name: text for name, text in files_beside(operation).items()}
    for file in texts:
        if file.exists():
            raise UserError(f"{file} already exists", hint="name another file with --output")
    for file, text in texts.items():
        _write(file, text)
        typer.echo(f"wrote {file}")
    typer.echo(f"next: review it, then run createflow run --profile {output}", err=True)


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror}") from None
