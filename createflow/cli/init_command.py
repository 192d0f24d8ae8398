"""``createflow init``: write a profile to start from."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from createflow.cli.messages import is_confirmed, is_on_terminal
from createflow.schemas.error import UserError

if TYPE_CHECKING:
    from createflow.scenarios.openapi.create_operation import CreateOperation

_MOST_NAMED = 10
_SHOWN_CHARACTERS = 500


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
            help="Fill the profile from this OpenAPI 3.0 or 3.1 document (JSON or YAML).",
        ),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option("--path", metavar="PATH", help="The create path, if the document has several. Needs --openapi."),
    ] = None,
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
    from createflow.scenarios.openapi.create_operation import find_create_operation
    from createflow.scenarios.openapi.document import is_url, origin_of, read_document
    from createflow.scenarios.openapi.draft import SCHEMA_FILE, draft_profile

    if path is not None and openapi is None:
        raise UserError("--path needs --openapi", hint="it names a path of the OpenAPI document")
    operation = find_create_operation(read_document(openapi), path) if openapi is not None else None
    address = _checked(base_url) if base_url is not None else ""
    if not address and openapi is not None and is_url(openapi):
        address = origin_of(openapi)
    trusted: list[str] = []
    if operation is not None:
        address, trusted = _ask_about_origins(operation, address, is_named=base_url is not None)
    texts = {output: draft_profile(operation, base_url=address, may_send_to=trusted)}
    if operation is not None and operation.schema is not None:
        texts[output.parent / SCHEMA_FILE] = json.dumps(operation.schema, indent=2, ensure_ascii=False) + "\n"
    for file in texts:
        if file.exists():
            raise UserError(f"{file} already exists", hint="name another file with --output")
    for file, text in texts.items():
        _write(file, text)
        typer.echo(f"wrote {file}")
    typer.echo(f"next: review it, then run createflow run --profile {output}", err=True)


def _ask_about_origins(operation: "CreateOperation", address: str, *, is_named: bool) -> tuple[str, list[str]]:
    """The origin of the target, and others that the user confirmed: a document alone decides nothing about them.

    Args:
        operation: what the document says.
        address: the origin so far, empty when none is known.
        is_named: the user named it.
    """
    from createflow.scenarios.openapi.draft import token_endpoint_origin

    for reference in operation.elsewhere[:_MOST_NAMED]:
        _say(f"the document refers to {reference}, which was not read: the schema allows anything there")
    server = operation.base_url
    if server not in {"", address}:
        if not is_named and _consents(f"The document names the server {server}. Send tokens there?"):
            address = server
        else:
            _say(
                f"the document names the server {server}: it was not taken, name it with --base-url if it is the target"
            )
    token_origin = token_endpoint_origin(operation)
    if token_origin in {"", address}:
        return address, []
    is_fine = _consents(f"The document names a token endpoint on {token_origin}. Send client secrets there?")
    return address, [token_origin] if is_fine else []


def _checked(base_url: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from createflow.schemas.profile_section import BaseUrl

    try:
        return TypeAdapter(BaseUrl).validate_python(base_url).rstrip("/")
    except ValidationError:
        hint = "scheme, host and port only: https://api.example.com:8443"
        raise UserError("--base-url: not an http:// or https:// address", hint=hint) from None


def _consents(question: str) -> bool:
    return is_on_terminal() and is_confirmed(_one_line(question))


def _say(text: str) -> None:
    typer.echo(_one_line(text), err=True)


def _one_line(text: str) -> str:
    from createflow.scenarios.reports.format.text import one_line

    return one_line(text[:_SHOWN_CHARACTERS])


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror}") from None
