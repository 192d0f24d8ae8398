"""A target that an OpenAPI document describes: its profile is drafted, shown once, and used without a file of it."""

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from createflow.cli.messages import is_confirmed, is_on_terminal
from createflow.cli.profile_source import ProfileSource
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile
from createflow.schemas.reading.bounded_file import read_bounded

if TYPE_CHECKING:
    from createflow.scenarios.openapi.create_operation import CreateOperation
    from createflow.scenarios.openapi.document import Access

_MOST_NAMED = 10
_SHOWN_CHARACTERS = 500
_MOST_TOKEN_BYTES = 32 * 1024
TOKEN_VARIABLE = "CREATEFLOW_TOKEN"  # noqa: S105 - the name of a variable

OpenApiOption = Annotated[
    str | None,
    typer.Option(
        "--openapi",
        metavar="FILE_OR_URL",
        help="Test what this OpenAPI document describes, without a profile. --url names scheme, host and port.",
    ),
]
OperationOption = Annotated[
    str | None,
    typer.Option("--operation", metavar="PATH", help="The create path, if the document has several. Needs --openapi."),
]
FollowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--follow",
        metavar="FOLDER_OR_URL",
        help="Also read files there that the document refers to; those beside it are read. May be repeated.",
    ),
]
TokenEnvOption = Annotated[
    str | None,
    typer.Option("--token-env", metavar="NAME", help="Environment variable with the token. Needs --openapi."),
]
BearerFileOption = Annotated[
    Path | None,
    typer.Option("--bearer-file", metavar="FILE", help="File with the token. Needs --openapi."),
]


@dataclass(frozen=True, slots=True)
class Description:
    """What the options say about a document."""

    openapi: str
    url: str | None
    operation: str | None
    token_env: str | None
    bearer_file: Path | None
    follow: Sequence[str] = ()
    """Folders and URLs that the document may refer to."""
    ca_file: Path | None = None
    """Of the authority that signed the certificate of the target, which may have the document."""
    is_insecure: bool = False
    """No certificate is verified."""


def require_openapi(openapi: str | None, **options: object) -> None:
    """Require that options which a document needs come with one.

    Raises:
        UserError: one came without.
    """
    for name, value in options.items():
        if openapi is None and value is not None:
            raise UserError(f"--{name.replace('_', '-')} needs --openapi", hint="or write a profile: createflow init")


def choose_document(profile: Path | None, description: Description) -> ProfileSource:
    """The target that the document describes. What was assumed is printed on stderr, as lines of a profile.

    Raises:
        UserError: the document has no create that can be tested, or the options do not fit.
        TargetError: the document cannot be downloaded.
    """
    if profile is not None:
        raise UserError("--profile and --openapi name two targets", hint="leave one of them out")
    from createflow.scenarios.drafting.draft import draft_profile
    from createflow.scenarios.drafting.first_body import with_first_body
    from createflow.scenarios.openapi.create_operation import find_create_operation
    from createflow.scenarios.openapi.document import is_url, origin_of, read_document

    document = read_document(description.openapi, allowed=description.follow, access=access_of(description))
    operation = find_create_operation(document, description.operation)
    if description.operation is None:
        operation = _chosen(document, operation)
    operation = with_first_body(operation)
    if operation.problem:
        raise UserError(
            operation.problem, hint="createflow init --openapi writes a profile: its body_file is for yours"
        )
    address = checked_origin(description.url, "--url") if description.url is not None else ""
    if not address and is_url(description.openapi):
        address = origin_of(description.openapi)
    address, trusted = ask_about_origins(operation, address, is_named=description.url is not None, option="--url")
    if not address:
        raise UserError("the document does not say where the target is", hint="--url https://api.example.com")
    text = draft_profile(operation, base_url=address, may_send_to=trusted, auth=auth_lines(description, operation))
    _print_assumed(text)
    return ProfileSource(document=description.openapi, profile=_loaded(text, operation, description))


def access_of(description: Description) -> "Access":
    """What a download of the document needs: it may be behind the same credential as the target."""
    from createflow.scenarios.openapi.document import Access, is_url, origin_of
    from createflow.scenarios.target.tls import trusted_context

    if not is_url(description.openapi):
        return Access()
    ca_file = None if description.ca_file is None else str(description.ca_file)
    trust = trusted_context(ca_file, is_verified=not description.is_insecure)
    origin = description.url if description.url is not None else origin_of(description.openapi)
    return Access(_token(description), origin, trust)


def _token(description: Description) -> str:
    if description.bearer_file is not None:
        raw = read_bounded(description.bearer_file, _MOST_TOKEN_BYTES, hint="--bearer-file FILE holds a token")
        return raw.decode("utf-8", "replace").strip()
    return os.environ.get(description.token_env or "", "")


def ask_about_origins(
    operation: "CreateOperation", address: str, *, is_named: bool, option: str = "--base-url"
) -> tuple[str, list[str]]:
    """The origin of the target, and others that the user confirmed: a document alone decides nothing about them.

    Args:
        operation: what the document says.
        address: the origin so far, empty when none is known.
        is_named: the user named it.
        option: that names it.
    """
    from createflow.scenarios.drafting.draft import token_endpoint_origin
    from createflow.scenarios.text.shortened import first_of

    for note in first_of(operation.notes, _MOST_NAMED):
        _say(note)
    server = operation.base_url
    if server not in {"", address}:
        if not is_named and _consents(f"The document names the server {server}. Send tokens there?"):
            address = server
        else:
            _say(f"the document names the server {server}: it was not taken, name it with {option} if it is the target")
    token_origin = token_endpoint_origin(operation)
    if token_origin in {"", address}:
        return address, []
    is_fine = _consents(f"The document names a token endpoint on {token_origin}. Send client secrets there?")
    return address, [token_origin] if is_fine else []


def checked_origin(url: str, option: str) -> str:
    """Scheme, host and port.

    Raises:
        UserError: it is something else.
    """
    from pydantic import TypeAdapter, ValidationError

    from createflow.schemas.profile_section import BaseUrl

    try:
        return TypeAdapter(BaseUrl).validate_python(url).rstrip("/")
    except ValidationError:
        hint = "scheme, host and port only: https://api.example.com:8443"
        raise UserError(f"{option}: not an http:// or https:// address", hint=hint) from None


def _chosen(document: dict[str, Any], operation: "CreateOperation") -> "CreateOperation":
    """The create that the user means, of several that need no parent; the last one is not asked for.

    Raises:
        UserError: nobody can be asked.
    """
    from createflow.scenarios.openapi.create_operation import find_create_operation
    from createflow.scenarios.text.shortened import listed

    fitting = [path for path in operation.others if "{" not in path]
    if not fitting:
        return operation
    if is_on_terminal():
        for path in fitting[:_MOST_NAMED]:
            if is_confirmed(_one_line(f"The document has several creates. Test {operation.path}? (no: {path})")):
                return operation
            operation = find_create_operation(document, path)
        if len(fitting) > _MOST_NAMED:
            _say(f"and {len(fitting) - _MOST_NAMED} more, which --operation names; {operation.path} is taken")
        return operation
    shown = listed([operation.path, *fitting], _MOST_NAMED)
    raise UserError(f"the document has several creates: {shown}", hint=f"--operation {operation.path}")


def auth_lines(description: Description, operation: "CreateOperation") -> Sequence[str] | None:
    """The lines of ``[auth]``, where an option says the token; else what the document says."""
    from createflow.scenarios.drafting.draft import key_lines

    if description.token_env is not None and description.bearer_file is not None:
        raise UserError("--token-env and --bearer-file name two tokens", hint="leave one of them out")
    variable = description.token_env or (TOKEN_VARIABLE if description.bearer_file is not None else None)
    if variable is None:
        return None
    scheme = operation.security or {}
    if scheme.get("type") == "apiKey" and scheme.get("in") in {"header", "query", "cookie"}:
        return ["[auth]", *key_lines(scheme), f"writer_env = {json.dumps(variable)}"]
    kind = "basic" if str(scheme.get("scheme", "")).lower() == "basic" else "static"
    return ["[auth]", f'kind = "{kind}"', f"writer_env = {json.dumps(variable)}"]


def _loaded(text: str, operation: "CreateOperation", description: Description) -> Profile:
    from createflow.scenarios.drafting.draft import files_beside

    if description.bearer_file is not None:
        os.environ[TOKEN_VARIABLE] = _token(description)
    # The profile names its schema by a file, which is read when a run begins: the folder stays until the command ends.
    folder = Path(tempfile.mkdtemp(prefix="createflow-openapi-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, beside in files_beside(operation).items():
        (folder / name).write_text(beside, encoding="utf-8")
    (folder / "createflow.toml").write_text(text, encoding="utf-8")
    return profile_file.load(folder / "createflow.toml")


def _print_assumed(text: str) -> None:
    """The lines of the draft that are no comments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    typer.echo("assumed, as the document has it; createflow init --openapi writes it into a file to change:", err=True)
    for line in lines:
        typer.echo(f"  {_one_line(line)}", err=True)


def _consents(question: str) -> bool:
    return is_on_terminal() and is_confirmed(_one_line(question))


def _say(text: str) -> None:
    typer.echo(_one_line(text), err=True)


def _one_line(text: str) -> str:
    from createflow.scenarios.reports.format.text import one_line

    return one_line(text[:_SHOWN_CHARACTERS])
