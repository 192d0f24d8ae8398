"""A create that was recorded, as if a document described it. Its credentials are left out, and are named instead."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from createflow.scenarios.drafting.secrets import Secrets, is_secret_name
from createflow.scenarios.openapi.create_operation import CreateOperation, find_create_operation
from createflow.scenarios.openapi.name_field import means_text, name_fields
from createflow.scenarios.openapi.parameters import Parameters
from createflow.scenarios.text.json_pointer import value_at
from createflow.scenarios.text.shortened import listed
from createflow.schemas.error import UserError
from createflow.schemas.reading.bounded_json import Malformed, parse_json

_MOST_PARTS = 100_000
_MOST_CHARACTERS = 1024 * 1024
"""Of one body."""
_MOST_TEMPLATE_CHARACTERS = 20_000
_MOST_NAMED = 10
_DEEPEST = 40
_MILLISECONDS = 10**11
"""A time that is a number above this has no seconds."""
_OF_A_BROWSER = re.compile(
    r"(:.*|accept.*|user-agent|host|content-.*|origin|referer|sec-.*|connection|pragma|cache-control|dnt|priority|te|"
    r"traceparent|tracestate|if-.*|upgrade.*|transfer-encoding|keep-alive|expect|via|forwarded|x-forwarded.*|range|"
    r"idempotency-key|x-request-id|x-requested-with|baggage|sentry-trace|newrelic)"
)
_FORMATS = {
    "uuid": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE),
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "email": re.compile(r"[^@\s]+@[^@\s]+"),
    "uri": re.compile(r"[a-z][a-z0-9+.-]*:\S+"),
}
_ONE_WORD = "x-one-word"
"""The format of a text that may be a code, a kind or an id."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded request, with its reply where there is one."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    user: str = ""
    """``user:password``, where it was given beside the headers."""
    status: int | None = None
    reply_headers: tuple[tuple[str, str], ...] = ()
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded create."""

    operation: CreateOperation
    auth: tuple[str, ...]
    """The lines of ``[auth]``."""
    left_out: tuple[str, ...] = field(default=())
    """What is said of credentials that were not written."""


def recorded_create(exchanges: Sequence[Exchange], path: str | None = None) -> Recorded:
    """The create among recorded exchanges: of several the one whose reply shows a new resource best.

    Args:
        exchanges: in the order of the recording.
        path: the path of the create, where several were recorded; ``PUT /path`` says which.

    Raises:
        UserError: none of them creates.
    """
    creates = {_name(one): one for one in reversed(exchanges) if _creates(one)}
    if not creates:
        seen = list(dict.fromkeys(f"{one.method} {_path(one.url)} {one.status or ''}".strip() for one in exchanges))
        raise UserError(
            "nothing that was recorded is a create: a POST or PUT with a JSON body and a 2xx reply",
            hint=f"recorded: {listed(seen, _MOST_NAMED) or 'nothing'}",
        )
    ranked = sorted(creates.items(), key=lambda one: _rank(one[1]))
    document = {"openapi": "3.1.0", "paths": _paths(creates, exchanges)}
    wanted = path if path is not None else ranked[0][0]
    operation = find_create_operation(document, wanted)
    name = f"{operation.method} {operation.path}"
    exchange = creates[name]
    secrets = Secrets(exchange.headers, parse_qsl(urlsplit(exchange.url).query), exchange.user)
    parts = urlsplit(exchange.url)
    others = tuple(other for other, _ in ranked if other != name)
    operation = replace(
        operation,
        base_url=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
        others=others,
        parameters=_parameters(exchange, secrets),
        schema=None,
        whole=None,
        alternatives=(),
        examples=(),
    )
    operation = _with_body(operation, exchange, document, secrets)
    if exchange.status is None:
        note = "no reply was recorded: look at target.fields, and run createflow doctor"
        operation = replace(operation, notes=(*operation.notes, note))
    return Recorded(operation, secrets.auth, tuple(secrets.told))


def _with_body(
    operation: CreateOperation, exchange: Exchange, document: dict[str, Any], secrets: Secrets
) -> CreateOperation:
    """With the recorded body: as a template where a text of it can be each create's own, else as it is."""
    whole = _json(exchange.body)
    named = find_create_operation(document, f"{operation.method} {operation.path}")
    sent = value_at(whole, operation.request_pointer.replace("/-", "/0"))
    names = name_fields(named.schema)
    if names and isinstance(sent, dict) and len(json.dumps(sent)) <= _MOST_TEMPLATE_CHARACTERS and not _has_null(sent):
        also = secrets.without(operation.request_also)
        return replace(operation, name=names[0], template=secrets.without(sent), request_also=also)
    text = json.dumps(secrets.blanked(whole), indent=2, ensure_ascii=False)
    note = "no text of the recorded body can be each create's own: all send the same bytes"
    return replace(operation, name="", body=text, request_pointer="", request_also={}, notes=(*operation.notes, note))


def _has_null(value: Any) -> bool:
    """TOML has no null."""
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(_has_null, value)))


def _parameters(exchange: Exchange, secrets: Secrets) -> Parameters:
    headers = {
        name: value
        for name, value in exchange.headers
        if not _OF_A_BROWSER.fullmatch(name.lower()) and not secrets.is_one(name, value) and _is_plain(value)
    }
    query = {
        name: value
        for name, value in parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)
        if not is_secret_name(name)
    }
    key = next((name for name, _ in exchange.headers if name.lower() == "idempotency-key"), "")
    return Parameters(headers={**headers, **secrets.headers}, query=query, idempotency_header=key)


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _creates(exchange: Exchange) -> bool:
    is_accepted = exchange.status is None or 200 <= exchange.status < 300
    return exchange.method in {"POST", "PUT"} and is_accepted and isinstance(_json(exchange.body), (dict, list))


def _rank(exchange: Exchange) -> tuple[bool, bool, bool, bool]:
    """The best create first: it says 201 or where the resource is, shows its id, and takes no password."""
    reply = _json(exchange.reply)
    has_id = any("id" in str(name).lower() for name in _names(reply))
    has_location = any(name.lower() == "location" for name, _ in exchange.reply_headers)
    takes_secret = any(is_secret_name(name) for name in _names(_json(exchange.body)))
    return takes_secret, exchange.status != 201, not has_location, not has_id


def _names(value: Any, depth: int = 0) -> list[str]:
    if depth > 2 or not isinstance(value, dict):
        return []
    return [*value, *(name for one in value.values() for name in _names(one, depth + 1))]


def _path(url: str) -> str:
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return "/"


def _name(exchange: Exchange) -> str:
    path = unquote(_path(exchange.url))
    if exchange.method == "PUT":
        path = f"{path.rstrip('/').rpartition('/')[0]}/{{id}}"
    return f"{exchange.method} {path}"


def _paths(creates: Mapping[str, Exchange], exchanges: Sequence[Exchange]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, exchange in creates.items():
        method, _, path = name.partition(" ")
        found.setdefault(path, {})[method.lower()] = _operation(exchange)
    for one in exchanges:
        parent = _path(one.url).rstrip("/").rpartition("/")[0]
        is_of_one = one.status is not None and 200 <= one.status < 300 and unquote(parent) in found
        if is_of_one and one.method in {"GET", "DELETE"}:
            found.setdefault(f"{unquote(parent).rstrip('/')}/{{id}}", {})[one.method.lower()] = {"responses": {}}
    return found


def _operation(exchange: Exchange) -> dict[str, Any]:
    status = str(exchange.status or 201)
    headers: dict[str, Any] = {name: {} for name, _ in exchange.reply_headers if name.lower() == "location"}
    reply = _json(exchange.reply)
    shown = {"content": {"application/json": {"schema": _schema_of(reply)}}} if reply is not None else {}
    return {
        "requestBody": {"content": {_media_type(exchange): {"schema": _schema_of(_json(exchange.body))}}},
        "responses": {status: {"headers": headers, **shown}},
    }


def _media_type(exchange: Exchange) -> str:
    given = next((value for name, value in exchange.headers if name.lower() == "content-type"), "")
    plain = given.partition(";")[0].strip().lower()
    return plain if "json" in plain and plain.isascii() and plain.isprintable() else "application/json"


def _schema_of(value: Any, name: str = "", depth: int = 0) -> dict[str, Any]:
    """A schema that the value fits, to find its fields by; nothing is judged by it."""
    match value:
        case bool():
            return {"type": "boolean"}
        case int() | float():
            is_long = abs(value) > _MILLISECONDS
            return {
                "type": "integer" if isinstance(value, int) else "number",
                "format": "int64" if is_long else "int32",
            }
        case str():
            return {"type": "string", **_format_of(value, name)}
        case list() if value and depth < _DEEPEST:
            return {"type": "array", "items": _schema_of(value[0], "", depth + 1)}
        case dict() if depth < _DEEPEST:
            inner = {key: _schema_of(one, key, depth + 1) for key, one in value.items()}
            if {"type", "attributes"} <= value.keys():
                inner["type"] = {"const": value["type"]}
            return {"type": "object", "properties": inner, "required": [*inner]}
    return {}


def _format_of(value: str, name: str) -> dict[str, str]:
    known = next((kind for kind, pattern in _FORMATS.items() if pattern.fullmatch(value)), "")
    if is_secret_name(name):
        return {"format": "password"}
    if known and not means_text(name):
        return {"format": known}
    return {} if " " in value.strip() or means_text(name) else {"format": _ONE_WORD}


def _json(text: str) -> Any:
    if len(text) > _MOST_CHARACTERS:
        return None
    try:
        return parse_json(text.lstrip("\ufeff"), most_parts=_MOST_PARTS)
    except Malformed:
        return None
