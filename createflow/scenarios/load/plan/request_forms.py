"""What the requests of a load look like: method, path, headers, and body templates that make every body unique.

Bodies come from the create schema or from a file of JSON documents. A template is formatted once for each request.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from createflow import __version__
from createflow.scenarios.bodies.template import Values, made_values
from createflow.scenarios.load.plan.messages import ReadPath, RequestForm
from createflow.scenarios.load.plan.write_log import NAME_STYLES, name_prefix
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.representation import HEADER, WireFormat
from createflow.scenarios.target.run_context import filled_path
from createflow.schemas.error import UserError
from createflow.schemas.operation import Operation
from createflow.schemas.profile_target import Target
from createflow.schemas.reading.bounded_file import read_bounded
from createflow.schemas.reading.bounded_json import Malformed, parse_json

_NUMBER_PLACEHOLDER = "createflow-number-of-the-arrival"
_ID_PLACEHOLDER = "createflow-new-id"
_NUMBER_ALONE = "createflow-number-alone"
_UUID_PLACEHOLDER = "createflow-uuid-of-the-arrival"
_MAX_NUMBER_DIGITS = 12
"""Checked in advance: a name that is too long would be refused only late in the run."""
_MAX_FILE_BYTES = 16 * 1024 * 1024
_MAX_DOCUMENTS = 100_000
_MAX_PARTS = 4_000_000
_SAMPLE_HINT = "use a sample of the documents"
_MISFIT_HINT = "the target would refuse it, and the load would measure that"
_FILE_HINT = "one JSON object a line, UTF-8"


def make_request_form(
    operation: Operation, target: Target, *, run_id: str, bodies: tuple[str, ...], variables: Values
) -> RequestForm:
    """The requests of one operation.

    Args:
        operation: what the requests do.
        target: the ``[target]`` section of the profile.
        run_id: of the run.
        bodies: body templates for creates and updates.
        variables: values that set-up requests captured, for the path.
    """
    shared = {
        "User-Agent": f"createflow/{__version__} (bench {run_id})",
        "Accept": target.accept,
        **target.headers,
    }
    if operation is Operation.READ:
        return RequestForm("GET", "", tuple(shared.items()))
    with_body = tuple({**shared, "Content-Type": target.content_type}.items())
    if operation is Operation.UPDATE:
        return RequestForm("PUT", "", with_body, bodies)
    path = filled_path(target.path, {**variables, "new_id": _ID_PLACEHOLDER}).replace("%", "%%")
    # An id that the client chooses has the form of a UUID version 4 and is unique by run and arrival.
    path = path.replace(_ID_PLACEHOLDER, f"{run_id}-0000-4000-8000-%012x")
    return RequestForm(target.method, path, with_body, bodies)


def make_read_path(target: Target, *, variables: Values) -> ReadPath:
    """How the path of a created resource is found in the reply to its create."""
    path = target.read_path or f"{target.path.partition('/{new_id}')[0].rstrip('/')}/{{id}}"
    field = target.fields.id
    pointer = field if field.startswith("/") else f"{target.envelope.reply}/{field}" if field[0] != "@" else ""
    filled = filled_path(path, {**variables, "id": _ID_PLACEHOLDER}).replace(_ID_PLACEHOLDER, "{id}")
    header = field.removeprefix(HEADER) if field.startswith(HEADER) else ""
    create_path = filled_path(target.path, {**variables, "new_id": ""})
    return ReadPath(filled, pointer, bool(target.read_path), target.self_link, header, create_path)


def make_body_template(contract: Contract, *, run_id: str, document: Mapping[str, Any] | None = None) -> str:
    """A create body with ``%d`` for the number of the arrival and ``%%`` for each percent sign.

    The name holds run id and arrival number, so that verification can find every create and tell them apart.

    Args:
        contract: the target's.
        run_id: of the run.
        document: the document to start from. None: an example of the create schema.
    """
    if contract.raw is not None:
        return contract.raw.decode().replace("%", "%%")
    word = f"l{run_id}x{_NUMBER_PLACEHOLDER}"
    made = {**made_values(word, 0), "uuid": _UUID_PLACEHOLDER, "counter": _NUMBER_ALONE}
    body = dict(contract.template(made) if document is None else document)
    if document is not None or not contract.names_itself:
        style = name_style(contract, run_id=run_id)
        body[contract.fields.name] = (name_prefix(run_id, style) if style else "") + _NUMBER_PLACEHOLDER
    if document is None:
        body |= contract.numbered(_numbered_texts(run_id), _NUMBER_ALONE, _as_first)
    if document is None and set(body.get("metadata", ())) == {"createflow"}:
        # The schema of another target was asked about one text.
        own = {"run": run_id, "arrival": _NUMBER_ALONE}
        body["metadata"] = own if contract.is_default else {"createflow": run_id}
    text = contract.wire_format.encode(body, is_exact=False).decode()
    return _with_numbers(text.replace("%", "%%"), run_id)


def _numbered_texts(run_id: str) -> list[str]:
    """Texts with the number of the arrival, one of which most kinds of fields take."""
    texts = [f"{name_prefix(run_id, style)}{_NUMBER_PLACEHOLDER}" for style in NAME_STYLES]
    word = texts[-2]
    return [
        *(texts[-2:] + texts[:-2]),
        f"{word}@example.com",
        f"https://example.com/{word}",
        f"{word}.example.com",
        _UUID_PLACEHOLDER,
        _NUMBER_PLACEHOLDER,
    ]


def _as_first(text: str) -> str:
    """The text of the first arrival."""
    made = _with_numbers(text.replace("%", "%%"), "00000000")
    return made % ((1,) * made.replace("%%", "").count("%"))


def _with_numbers(text: str, run_id: str) -> str:
    """The body as a template: ``%d`` for the number of the arrival."""
    text = text.replace(_UUID_PLACEHOLDER, f"{run_id}-0000-4000-8000-%012x")
    return text.replace(f'"{_NUMBER_ALONE}"', "%d").replace(_NUMBER_ALONE, "%d").replace(_NUMBER_PLACEHOLDER, "%d")


def representation_of(template: str, number: int, wire_format: WireFormat) -> Any:
    """What the body of one arrival says. The body is ours, so it needs no bounds."""
    numbers = template.replace("%%", "").count("%")
    return wire_format.sent((template % ((number,) * numbers)).encode())


def require_fit(contract: Contract, templates: Sequence[str], *, file: Path | None = None) -> None:
    """Require that each template makes bodies that fit the create schema.

    Args:
        contract: the target's.
        templates: of the bodies.
        file: that the bodies were made from.

    Raises:
        UserError: one does not; the message names the number of its document, the field and the keyword.
    """
    bodies = [representation_of(template, 1, contract.wire_format) for template in templates]
    for number, problem in enumerate(contract.misfits(bodies), 1):
        if problem:
            whose = f"{file}, document {number} does" if file is not None else "the bodies of a load do"
            raise UserError(f"{whose} not fit the create schema: {problem}", hint=_MISFIT_HINT)


def has_room_for_names(contract: Contract, *, run_id: str) -> bool:
    """Every create of the run carries a name that verification can search for."""
    return bool(name_style(contract, run_id=run_id))


def name_style(contract: Contract, *, run_id: str) -> str:
    """The first of ``NAME_STYLES`` that the target's schema allows; empty where it allows none."""
    if contract.raw is not None or contract.names_itself or contract.is_awaiting:
        return ""
    limit = contract.max_length(contract.fields.name)
    for style in NAME_STYLES:
        prefix = name_prefix(run_id, style)
        is_short = limit is None or len(prefix) + _MAX_NUMBER_DIGITS <= limit
        if is_short and contract.takes_name(f"{prefix}1"):
            return style
    return ""


def read_documents(file: Path) -> list[dict[str, Any]]:
    """Read a file of JSON objects, one a line.

    Raises:
        UserError: the file cannot be read, is too large or empty, or a line is not a JSON object.
    """
    try:
        text = read_bounded(file, _MAX_FILE_BYTES, hint=f"{_FILE_HINT}; {_SAMPLE_HINT} if there are many").decode(
            "utf-8"
        )
    except UnicodeDecodeError:
        raise UserError(f"{file}: cannot be read: not UTF-8 text", hint=_FILE_HINT) from None
    # Counted before anything is built of it. Only line feeds end a line: JSON texts may hold other separators.
    if text.count("\n") > _MAX_DOCUMENTS or sum(map(text.count, ",[{:")) > _MAX_PARTS:
        raise UserError(f"{file}: more than {_MAX_DOCUMENTS} documents, or too many values", hint=_SAMPLE_HINT)
    lines = text.split("\n")
    documents = [_parse_line(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not documents:
        raise UserError(f"{file}: it holds no document", hint=_FILE_HINT)
    return documents


def _parse_line(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        document = parse_json(line, most_parts=_MAX_PARTS)
    except Malformed:
        document = None
    if not isinstance(document, dict):
        raise UserError(f"{file}, line {number}: not a JSON object", hint=_FILE_HINT)
    return document
