"""``createflow init``: write a profile to start from."""

from pathlib import Path
from typing import Annotated

import typer

from createflow.cli.openapi_source import FollowOption, ask_about_origins, checked_origin
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile_file import FILE_NAME
from createflow.schemas.reading.bounded_file import read_bounded

_MOST_NAMED = 20
_MOST_BYTES = 2 * 1024 * 1024


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
    update: Annotated[
        bool,
        typer.Option("--update", help="Merge into an existing profile: add what is new, keep its values and comments."),
    ] = False,
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
    Example: createflow init --openapi openapi.yaml --update
    """
    # Here, so that --help stays quick.
    from createflow.scenarios.drafting.draft import draft_profile, files_beside
    from createflow.scenarios.drafting.first_body import with_first_body
    from createflow.scenarios.openapi.create_operation import find_create_operation
    from createflow.scenarios.openapi.document import is_url, origin_of, read_document

    if update and openapi is None:
        raise UserError("--update needs --openapi", hint="createflow init --openapi FILE_OR_URL --update")
    if openapi is None and (path is not None or follow):
        name = "--path" if path is not None else "--follow"
        raise UserError(f"{name} needs --openapi", hint="createflow init --openapi FILE_OR_URL")
    operation = None
    if openapi is not None:
        operation = find_create_operation(read_document(openapi, allowed=follow or ()), path)
    address = checked_origin(base_url, "--base-url") if base_url is not None else _known_origin(output, update=update)
    if not address and openapi is not None and is_url(openapi):
        address = origin_of(openapi)
    trusted: list[str] = []
    if operation is not None:
        operation = with_first_body(operation)
        address, trusted = ask_about_origins(operation, address, is_named=base_url is not None)
    draft = draft_profile(operation, base_url=address, may_send_to=trusted)
    beside = {output.parent / name: text for name, text in files_beside(operation).items()} if operation else {}
    if update:
        _update(output, draft, beside)
    else:
        for file in (output, *beside):
            if file.exists():
                raise UserError(f"{file} already exists", hint="name another file with --output, or merge: --update")
        for file, text in {output: draft, **beside}.items():
            _write(file, text)
            typer.echo(f"wrote {file}")
    typer.echo(f"next: review it, then run createflow run --profile {output}", err=True)


def _known_origin(output: Path, *, update: bool) -> str:
    """The target of the profile that is merged into; empty where it is not plain."""
    if not update:
        return ""
    target = profile_file.read(output).document.get("target")
    base_url = target.get("base_url") if isinstance(target, dict) else None
    try:
        return checked_origin(str(base_url), "target.base_url")
    except UserError:
        return ""


def _update(output: Path, draft: str, beside: dict[Path, str]) -> None:
    """Merge into the profile, and replace the files beside it that changed; their old ones stay as ``FILE.old``."""
    from createflow.scenarios.drafting.merge import merged_profile
    from createflow.scenarios.text.shortened import first_of

    if output.name == "pyproject.toml":
        raise UserError("--update merges into a profile of its own", hint=f"move [tool.createflow] to {FILE_NAME}")
    merge = merged_profile(profile_file.read(output).text, draft)
    for file, text in beside.items():
        if not file.exists():
            _write(file, text)
            typer.echo(f"wrote {file}")
        elif read_bounded(file, _MOST_BYTES) != text.encode():
            file.replace(file.with_name(f"{file.name}.old"))
            _write(file, text)
            typer.echo(f"changed {file}; the one before is {file.name}.old")
    for line in first_of([_shown(one) for one in merge.kept], _MOST_NAMED):
        typer.echo(line, err=True)
    if not merge.added:
        typer.echo(f"{output}: nothing new")
        return
    new = output.with_name(f"{output.name}.new")
    _write(new, merge.text)
    new.replace(output)
    for line in first_of([f"added {key}" for key in merge.added], _MOST_NAMED):
        typer.echo(line, err=True)
    typer.echo(f"changed {output}")


def _shown(text: str) -> str:
    from createflow.scenarios.reports.format.text import one_line

    return one_line(text)


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror}") from None
