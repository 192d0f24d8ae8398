"""Drafts a commented profile, with or without an OpenAPI document."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, get_args
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from createflow.scenarios.openapi.create_operation import CreateOperation
from createflow.scenarios.openapi.document import origin_of
from createflow.scenarios.openapi.name_field import name_field
from createflow.scenarios.openapi.reply_shape import ReplyShape
from createflow.scenarios.openapi.values import as_object
from createflow.scenarios.text.shortened import first_of
from createflow.schemas.profile_auth import KINDS, ApiKeyAuth, OAuth2Auth
from createflow.schemas.profile_promises import Promises

SCHEMA_FILE = "createflow.create.schema.json"
BODY_FILE = "createflow.create.body.json"
# Without { in it: a text of many would be searched again from each.
_VARIABLE = re.compile(r"\{([^{}]+)\}")
_ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_USUAL = ("application/json", "application/problem+json")
_LONGEST = 1000
_MOST_OTHERS = 10
_VARIABLE_OF_MORE = "CREATEFLOW_SECOND_KEY"


class FromEnvironment(str):
    """A text of ours that the environment fills in: ``${NAME}``."""

    __slots__ = ()


_PLAIN = CreateOperation("/api/resources", "", "application/json", None, None, ())


def draft_profile(
    operation: CreateOperation | None = None,
    *,
    base_url: str = "",
    may_send_to: Sequence[str] = (),
    auth: Sequence[str] | None = None,
    ca_file: str = "",
) -> str:
    """A profile that can be loaded as it is; unknown settings are comments.

    Args:
        operation: what the document says.
        base_url: scheme, host and port of the target. What the document says about it is only a comment.
        may_send_to: other origins that the user has confirmed: a token endpoint may be there.
        auth: the lines of ``[auth]``, where they are known better than from the document.
        ca_file: path of the authority's certificate.
    """
    known = operation or _PLAIN
    trusted = {base_url, *may_send_to}
    lines = [
        "# How createflow reaches and tests the deployment. Every key: docs/profile.md.",
        "# File paths are relative to this file; ${NAME} is replaced from the environment.",
        *[f"# {line}" for line in first_of([f"Note: {_one_line(note)}" for note in known.notes], _MOST_OTHERS)],
        "",
        "[target]",
        f"base_url = {_quoted(base_url or 'http://127.0.0.1:8080')}",
        *_other_server(known.base_url, trusted),
        *(['method = "PUT"'] if known.method == "PUT" else []),
        f"path = {_quoted(_path(known.path, known.method) + _query(known.parameters.query))}",
        *_other_creates(known.others),
        *_body(known),
        f"ca_file = {_quoted(ca_file)}"
        if ca_file
        else '# ca_file = "ca.pem"          # the authority that signed the certificate',
        *_headers(known),
        *_operations(known.shape, known.parameters.idempotency_header),
        "# max_body_bytes = 65536      # a body above this is refused with 413",
        "cleanup = false               # true: DELETE what the run created",
        "",
        *_fields(known, is_of_document=operation is not None),
        *_envelope(known),
        *_errors(known.shape),
        *(_auth(known.security, trusted) if auth is None else auth),
        *_more_auth(known),
        "",
        *_setup(known.path),
        "# The promised rate limit of one subject.",
        "# [limits]",
        "# rate_per_s = 10",
        "# burst = 20",
        "",
        "# What it promises beyond the standards; what is not promised is not asked for. Remove what does not hold.",
        "# [promises]",
        *(f"# {name} = true" for name in Promises.model_fields),
        "",
        "# The places that a write must reach, read-only. Also: replicas, audit, cache, events, search.",
        "# [sinks.primary]",
        '# dsn = "postgresql://reader:${DB_PASSWORD}@127.0.0.1/app"',
        '# by_id = "select * from resources where id = %(id)s"',
        "",
        "# Known failures, each tolerated until a date.",
        "# [[baseline]]",
        '# id = "response.errors_are_problem_json"',
        '# reason = "our errors are older than RFC 9457"',
        "# expires = 2027-06-30",
    ]
    return "\n".join(lines) + "\n"


def files_beside(operation: CreateOperation) -> dict[str, str]:
    """The files that the profile names, by their names: schema and body."""
    texts = {BODY_FILE: operation.body} if operation.body else {}
    if operation.schema is not None:
        texts[SCHEMA_FILE] = json.dumps(operation.schema, indent=2, ensure_ascii=False)
    return {name: text.rstrip("\n") + "\n" for name, text in texts.items()}


def _other_creates(others: Sequence[str]) -> list[str]:
    return [f"# {line}" for line in first_of([f"Another create: {_one_line(path)}" for path in others], _MOST_OTHERS)]


def _body(known: CreateOperation) -> list[str]:
    lines = [f"media_type = {_quoted(known.media_type)}"] if known.media_type != "application/json" else []
    if known.body_as != "json":
        lines = [f"body_as = {_quoted(known.body_as)}"]
    reply = known.shape.media_type or known.media_type
    if reply.partition(";")[0].strip().lower() not in _USUAL and _fits_header(reply):
        lines.append(f"accept = {_quoted(', '.join([reply, *_USUAL]))}")
    if known.body:
        lines += [f"body_file = {_quoted(BODY_FILE)}   # the exact bytes of every create"]
    if known.schema is not None:
        return [*lines, f"schema_file = {_quoted(SCHEMA_FILE)}"]
    if known.body:
        return lines
    if known.template is not None:
        return [*lines, f"body = {_toml(known.template)}"]
    if known.name is not None:
        return [
            *lines,
            f'body = {{ {_quoted(known.name)} = "createflow" }}   # a guess: the document says nothing of it',
        ]
    return [
        *lines,
        '# schema_file = "create.schema.json"  # JSON Schema of the create body; without it, that of the contract',
    ]


_CLIENT_CERTIFICATE = [
    "# The document asks for a certificate of yours (mutual TLS):",
    "# [target.client_certificate]",
    '# cert_file = "client.pem"',
    '# key_file = "client.key"',
]


def _headers(known: CreateOperation) -> list[str]:
    """``headers`` with what every create needs: known values, and variables for keys of a second scheme."""
    given = {name: _quoted(value) for name, value in known.parameters.headers.items()}
    given |= dict.fromkeys(_keys(known.more_security), _quoted(FromEnvironment(f"${{{_VARIABLE_OF_MORE}}}")))
    needed = [f"It also needs a value for: {_one_line(name)}" for name in known.parameters.unknown]
    lines = [f"# {line}" for line in first_of(needed, _MOST_OTHERS)]
    if given:
        pairs = ", ".join(f"{_quoted(name)} = {value}" for name, value in given.items())
        lines.append(f"headers = {{ {pairs} }}")
    return lines


def _keys(schemes: Sequence[dict[str, Any]]) -> list[str]:
    """The headers of further keys that each request needs."""
    keys = [one.get("name") for one in schemes if one.get("type") == "apiKey" and one.get("in") == "header"]
    return [name for name in keys if isinstance(name, str) and _fits(ApiKeyAuth, header=name)]


def _more_auth(known: CreateOperation) -> list[str]:
    named = len(_keys(known.more_security))
    shows_certificate = sum(one.get("type") == "mutualTLS" for one in known.more_security)
    lines = (
        [f"# ${{{_VARIABLE_OF_MORE}}} of target.headers holds the second key, which is needed as well."]
        if named
        else []
    )
    if shows_certificate:
        lines += _CLIENT_CERTIFICATE
    if len(known.more_security) > named + shows_certificate:
        lines.append("# The document asks for another credential together with this one; add it to target.headers.")
    if known.is_security_optional:
        lines.append("# The document also allows requests without a credential.")
    return lines


def _operations(shape: ReplyShape, idempotency_header: str) -> list[str]:
    """What can be done with a resource, as far as the document says it."""
    lines = []
    if shape.is_known and not shape.has_location and shape.read_path:
        lines += [
            f"read_path = {_quoted(_path(shape.read_path))}",
            "# The document has no Location for the 201. If it sends one, remove read_path.",
        ]
    if shape.update:
        lines.append("update = true                 # the document has a PUT that takes all of the body")
    else:
        lines.append("# update = true               # PUT to the Location replaces the resource")
    if shape.delete:
        lines.append("# delete = true               # the document has a DELETE: true if the resource is gone then")
    if idempotency_header:
        lines.append("idempotency = true            # the document has the header")
    else:
        lines.append("# idempotency = true          # Idempotency-Key is honoured on POST")
    return lines


def _fields(known: CreateOperation, *, is_of_document: bool) -> list[str]:
    """Where the fields are: as the document says, and nothing where it does not."""
    shape = known.shape
    name = known.name if known.name is not None or known.schema is None else name_field(known.schema)
    lines = [
        "# Where the fields are in a reply. Empty: the target does not show the field, and its checks are skipped.",
        "[target.fields]",
        f"id = {_quoted(shape.id if shape.is_known and shape.id else '@location' if shape.has_location else 'id')}",
        f"name = {_quoted(name or 'name')}",
    ]
    if known.schema is not None and not name:
        lines.append("# No field of the body takes any text: name one whose value can be of the run's own.")
    if not shape.is_known and not is_of_document:
        return [*lines, 'created_at = "created_at"', 'created_by = "created_by"', ""]
    lines += [f"created_at = {_quoted(shape.created_at)}", f"created_by = {_quoted('')}"]
    if shape.created_by:
        lines.append(f"# created_by = {_quoted(shape.created_by)}   # if it is the subject of the token")
    if shape.created_at_format != "rfc3339":
        lines.append(f"created_at_format = {_quoted(shape.created_at_format)}   # as it is a number; look at a reply")
    return [*lines, ""]


def _envelope(known: CreateOperation) -> list[str]:
    if not known.request_pointer and not known.shape.envelope:
        return ["# Envelopes, as JSON Pointers.", "# [target.envelope]", '# request = "/item"', '# reply = "/data"', ""]
    lines = ["[target.envelope]"]
    if known.request_pointer:
        lines.append(f"request = {_quoted(known.request_pointer)}")
    if known.request_also:
        lines.append(f"request_also = {_toml(known.request_also)}")
    if known.shape.envelope:
        lines.append(f"reply = {_quoted(known.shape.envelope)}")
    return [*lines, ""]


def _errors(shape: ReplyShape) -> list[str]:
    """How it refuses, as far as the document says it."""
    media_type = shape.error_media_type if _fits_header(shape.error_media_type) else ""
    lines = [f"media_type = {_quoted(media_type)}"] if media_type not in {"", "application/problem+json"} else []
    section = ["[target.errors]", *lines, ""] if lines else []
    if shape.validation and shape.validation != (400,):
        statuses = ", ".join(map(str, dict.fromkeys([*shape.validation, 400])))
        return [*section, "[target.errors.statuses]", f"validation = [{statuses}]", ""]
    return [
        *section,
        "# How it refuses, where that differs from the contract (docs/contract.md).",
        "# [target.errors.statuses]",
        "# validation = 422",
        "",
    ]


def _fits_header(value: str) -> bool:
    return len(value) <= _LONGEST and value.isascii() and value.isprintable()


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_quoted(str(name))} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _query(query: Mapping[str, str]) -> str:
    return f"?{urlencode(query, quote_via=quote)}" if query else ""


def _other_server(server: str, trusted: Collection[str]) -> list[str]:
    if not server or server in trusted:
        return []
    return [f"# The document names the server {_one_line(server)}. Tokens go to base_url, so check the address first."]


def token_endpoint_origin(operation: CreateOperation) -> str:
    """Scheme, host and port of the token endpoint that the document names; empty when it names none."""
    scheme = operation.security or {}
    url = _token_url(scheme)
    return origin_of(url) if scheme.get("type") == "oauth2" and _fits(OAuth2Auth, token_url=url) else ""


def _auth(scheme: dict[str, Any] | None, trusted: Collection[str]) -> list[str]:
    """``[auth]``, with the environment variables that a run needs."""
    scheme = scheme or {}
    match (scheme.get("type"), str(scheme.get("scheme", "")).lower()):
        case ("http", "basic"):
            return ["[auth]", 'kind = "basic"', 'writer_env = "CREATEFLOW_WRITER"  # holds user:password']
        case ("apiKey", _) if _fits(ApiKeyAuth, **_place_of(scheme)):
            return ["[auth]", *key_lines(scheme), 'writer_env = "CREATEFLOW_KEY"  # holds the key']
        case ("mutualTLS", _):
            return [*_CLIENT_CERTIFICATE, "[auth]", 'kind = "none"']
        case ("oauth2", _) if _fits(OAuth2Auth, token_url=(url := _token_url(scheme))):
            return _oauth2(scheme, url, is_trusted=origin_of(url) in trusted)
        case ("http" | "oauth2" | "openIdConnect", _):
            return ["[auth]", 'kind = "static"', 'writer_env = "CREATEFLOW_TOKEN"  # holds the token']
    return [
        f"# How requests are authenticated: {', '.join(sorted(KINDS))}.",
        "[auth]",
        'kind = "none"',
        '# kind = "static"',
        '# writer_env = "CREATEFLOW_TOKEN"  # the name of an environment variable that holds a token',
    ]


def key_lines(scheme: Mapping[str, Any]) -> list[str]:
    """The kind of ``[auth]`` for a key, and where it is sent; without the variable that holds it."""
    return ['kind = "api_key"', *(f"{key} = {_quoted(str(value))}" for key, value in _place_of(scheme).items())]


def _place_of(scheme: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of ``[auth]`` that say where a key is sent."""
    if scheme.get("in") == "header":
        return {"header": scheme.get("name")}
    return {"key_in": scheme.get("in"), "name": scheme.get("name")}


def _oauth2(scheme: dict[str, Any], token_url: str, *, is_trusted: bool) -> list[str]:
    lines = [
        'kind = "oauth2_client_credentials"',
        f"token_url = {_quoted(token_url)}",
        'writer_env = "CREATEFLOW_CLIENT"  # holds client_id:client_secret',
    ]
    if _flow(scheme) == "password":
        lines = [
            'kind = "oauth2_password"',
            f"token_url = {_quoted(token_url)}",
            'writer_env = "CREATEFLOW_USER"  # holds user:password',
            '# client_env = "CREATEFLOW_CLIENT"  # holds client_id:client_secret, where the endpoint wants a client',
        ]
    if is_trusted:
        return ["[auth]", *lines]
    return [
        "[auth]",
        'kind = "static"',
        'writer_env = "CREATEFLOW_TOKEN"  # holds an access token',
        "# The document names a token endpoint. If it is yours, createflow can fetch tokens there:",
        *(f"# {_one_line(line)}" for line in lines),
    ]


def _token_url(scheme: dict[str, Any]) -> Any:
    return as_object(as_object(scheme.get("flows")).get(_flow(scheme))).get("tokenUrl")


def _flow(scheme: dict[str, Any]) -> str:
    """The flow that needs no browser; by a client of its own before one by a user."""
    flows = as_object(scheme.get("flows"))
    return "password" if "password" in flows and "clientCredentials" not in flows else "clientCredentials"


def _fits(kind: type[ApiKeyAuth | OAuth2Auth], **field: Any) -> bool:
    """Whether a profile accepts this value, so that the draft can be loaded."""
    (tag,) = get_args(kind.model_fields["kind"].annotation)
    try:
        kind.model_validate({"kind": tag, "writer_env": "X", **field})
    except ValidationError:
        return False
    return all(len(value) <= _LONGEST for value in field.values())


def _setup(path: str) -> list[str]:
    """A comment about the path's parameters, which must exist before the first create."""
    names = [_identifier(name) for name in _VARIABLE.findall(path)]
    if not names:
        return []
    return [
        f"# The path needs {', '.join(names)}: create what they name, and capture it.",
        "# [[setup]]",
        '# path = "/parents"',
        '# body = { name = "createflow {run_id}" }',
        f'# capture = {{ {names[0]} = "/id" }}',
        "",
    ]


def _path(path: str, method: str = "POST") -> str:
    if method == "PUT":
        parent, _, last = path.rstrip("/").rpartition("/")
        before, _, variable = last.partition("{")
        return f"{_path(parent) if parent else ''}/{quote(before)}{{new_id}}{quote(variable.partition('}')[2])}"
    named = _VARIABLE.sub(lambda match: f"{{{_identifier(match[1])}}}", path)
    return "/" + quote(named.lstrip("/"), safe="/{}%:@!$&'()*+,;=~?-._")


def _identifier(name: str) -> str:
    word = re.sub(r"\W", "_", name)
    if word in {"new_id", "run_id"}:  # a profile gives these a meaning of their own
        return f"{word}_"
    return word if word[:1].isalpha() or word[:1] == "_" else f"_{word}"


def _quoted(text: str) -> str:
    # A profile fills in ${NAME} from the environment, which a document must not have sent anywhere.
    return _verbatim(text if isinstance(text, FromEnvironment) else _ENVIRONMENT.sub(r"$(\1)", text))


def _verbatim(text: str) -> str:
    # A JSON string is a TOML basic string as well, if DEL is escaped and no surrogates are.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    # A comment ends with its line, and TOML allows no control characters in it.
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
