"""``createflow init``: write a profile to begin with."""

import json
from pathlib import Path
from typing import Annotated

import typer

from createflow.schemas.error import UserError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the profile goes; never overwritten.")
    ] = Path("createflow.toml"),
    openapi: Annotated[
        str | None,
        typer.Option("--openapi", metavar="FILE_OR_URL", help="OpenAPI 3.0 or 3.1, JSON or YAML, to fill it from."),
    ] = None,
    path: Annotated[
        str | None, typer.Option("--path", metavar="PATH", help="The document's path that creates, if it has several.")
    ] = None,
) -> None:
    """Write a commented profile of a deployment, by itself or from its OpenAPI document.

    createflow init --openapi https://api.example.com/openapi.json
    """
    # Here, so that the other commands need not pay for it.
    from createflow.scenarios.openapi.create_operation import create_operation
    from createflow.scenarios.openapi.document import read
    from createflow.scenarios.openapi.draft import SCHEMA_FILE, profile_text

    if path is not None and openapi is None:
        raise UserError("--path chooses among an OpenAPI document's paths", hint="give --openapi FILE_OR_URL as well")
    operation = create_operation(read(openapi), path) if openapi is not None else None
    texts = {output: profile_text(operation)}
    if operation is not None and operation.schema is not None:
        texts[output.parent / SCHEMA_FILE] = json.dumps(operation.schema, indent=2, ensure_ascii=False) + "\n"
    for file in texts:
        if file.exists():
            raise UserError(f"{file} is there already", hint="--output names another file")
    for file, text in texts.items():
        _write(file, text)
        typer.echo(f"wrote {file}")
    typer.echo(f"next: read it, then createflow run --profile {output}", err=True)


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror}") from None
