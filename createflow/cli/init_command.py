"""``createflow init``: write a profile to start from."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from createflow.cli.openapi_source import (
    TOKEN_VARIABLE,
    BearerFileOption,
    Description,
    FollowOption,
    TokenEnvOption,
    access_of,
    ask_about_origins,
    auth_lines,
    checked_origin,
)
from createflow.cli.options import CaOption, InsecureOption
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile_file import FILE_NAME
from createflow.schemas.reading.bounded_file import read_bounded

if TYPE_CHECKING:
    from createflow.scenarios.openapi.create_operation import CreateOperation

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
    token_env: TokenEnvOption = None,
    bearer_file: BearerFileOption = None,
    ca: CaOption = None,
    insecure: InsecureOption = False,
    from_har: Annotated[
        Path | None,
        typer.Option("--from-har", metavar="FILE", help="Fill it from a create in a recording of a browser (.har)."),
    ] = None,
    from_curl: Annotated[
        str | None,
        typer.Option(
            "--from-curl", metavar="COMMAND", help="Fill it from a create as a curl command; - reads it from stdin."
        ),
    ] = None,
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
    the document count only if you confirm them. A recorded create is enough,
    too: its credentials are named in the profile and never written.

    Example: createflow init --openapi https://api.example.com/openapi.json
    Example: createflow init --openapi openapi.yaml --update
    Example: createflow init --openapi https://api.example.com/v1/openapi.json --token-env TOKEN
    Example: createflow init --from-har recorded.har
    """
    # Here, so that --help stays quick.
    from createflow.scenarios.drafting.draft import draft_profile, files_beside

    sources = {"--openapi": openapi, "--from-har": from_har, "--from-curl": from_curl}
    named = [name for name, source in sources.items() if source is not None]
    if len(named) > 1:
        raise UserError(f"{' and '.join(named)} describe two targets", hint="leave one of them out")
    for option, is_given, needed in (
        ("--update", update, [*sources]),
        ("--path", path is not None, ["--openapi", "--from-har"]),
        ("--follow", bool(follow), ["--openapi"]),
        ("--token-env", token_env is not None, ["--openapi"]),
        ("--bearer-file", bearer_file is not None, ["--openapi"]),
        ("--ca", ca is not None, ["--openapi"]),
        ("--insecure", insecure, ["--openapi"]),
    ):
        if is_given and not set(named) & set(needed):
            raise UserError(f"{option} needs {' or '.join(needed)}", hint="createflow init --openapi FILE_OR_URL")
    origin = checked_origin(base_url, "--base-url") if base_url is not None else _known_origin(output, update=update)
    source = _Source(None, origin)
    if openapi is not None:
        named_origin = origin if base_url is not None else None
        description = Description(openapi, named_origin, path, token_env, bearer_file, follow or (), ca, insecure)
        source = _described(description, origin)
    elif from_har is not None or from_curl is not None:
        source = _recorded(from_har, from_curl, path, origin)
    operation = source.operation
    draft = draft_profile(
        operation,
        base_url=source.address,
        may_send_to=source.trusted,
        auth=source.auth,
        ca_file="" if ca is None else str(ca.absolute()),
    )
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


@dataclass(frozen=True, slots=True)
class _Source:
    """What the options say about the target."""

    operation: "CreateOperation | None"
    address: str
    trusted: Sequence[str] = ()
    auth: Sequence[str] | None = None


def _described(description: Description, address: str) -> _Source:
    from createflow.scenarios.drafting.first_body import with_first_body
    from createflow.scenarios.openapi.create_operation import find_create_operation
    from createflow.scenarios.openapi.document import is_url, origin_of, read_document

    openapi = description.openapi
    document = read_document(openapi, allowed=description.follow, access=access_of(description))
    operation = with_first_body(find_create_operation(document, description.operation))
    if not address and is_url(openapi):
        address = origin_of(openapi)
    address, trusted = ask_about_origins(operation, address, is_named=description.url is not None)
    if description.bearer_file is not None:
        typer.echo(f"the profile reads the token from the variable {TOKEN_VARIABLE}", err=True)
    return _Source(operation, address, trusted, auth_lines(description, operation))


def _recorded(har: Path | None, command: str | None, path: str | None, address: str) -> _Source:
    """The create that was recorded. Its credentials are named, and none is written."""
    from createflow.scenarios.drafting.curl import read_curl
    from createflow.scenarios.drafting.har import read_har
    from createflow.scenarios.drafting.recorded import recorded_create
    from createflow.scenarios.text.shortened import first_of

    if har is not None:
        exchanges = read_har(har)
    else:
        exchanges = [read_curl(sys.stdin.read(_MOST_BYTES) if command == "-" else command or "")]
    recorded = recorded_create(exchanges, path)
    operation = recorded.operation
    typer.echo(_shown(f"recorded: {operation.method} {operation.base_url}{operation.path}"), err=True)
    for line in first_of([*map(_shown, (*operation.notes, *recorded.left_out))], _MOST_NAMED):
        typer.echo(line, err=True)
    return _Source(operation, address or checked_origin(operation.base_url, "the recorded URL"), (), recorded.auth)


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
