"""Drafts a commented profile, with or without an OpenAPI document."""

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, get_args
from urllib.parse import quote

from pydantic import ValidationError

from createflow.scenarios.openapi.create_operation import CreateOperation, as_object
from createflow.scenarios.openapi.document import origin_of
from createflow.schemas.profile_auth import ApiKeyAuth, OAuth2Auth
from createflow.schemas.profile_promises import Promises

SCHEMA_FILE = "createflow.create.schema.json"
# Without { in it: a text of many would be searched again from each.
_VARIABLE = re.compile(r"\{([^{}]+)\}")
_LONGEST = 1000
_NAMES = ("name", "title", "label", "summary", "text", "description")

_PLAIN = CreateOperation("/api/resources", "", "application/json", None, None, ())


def draft_profile(
    operation: CreateOperation | None = None, *, base_url: str = "", may_send_to: Sequence[str] = ()
) -> str:
    """A profile that can be loaded as it is; unknown settings are comments.

    Args:
        operation: what the document says.
        base_url: scheme, host and port of the target. What the document says about it is only a comment.
        may_send_to: other origins that the user has confirmed: a token endpoint may be there.
    """
    known = operation or _PLAIN
    trusted = {base_url, *may_send_to}
    lines = [
        "# How createflow reaches and tests the deployment. Every key: docs/profile.md.",
        "# File paths are relative to this file; ${NAME} is replaced from the environment.",
        "",
        "[target]",
        f"base_url = {_quoted(base_url or 'http://127.0.0.1:8080')}",
        *_other_server(known.base_url, trusted),
        f"path = {_quoted(_path(known.path))}",
        *[f"# Another create: {_one_line(path)}" for path in known.others[:10]],
    ]
    if known.media_type != "application/json":
        lines.append(f"media_type = {_quoted(known.media_type)}")
    if known.schema is not None:
        lines.append(f"schema_file = {_quoted(SCHEMA_FILE)}")
    else:
        lines.append(
            '# schema_file = "create.schema.json"  # JSON Schema of the create body; without it, that of the contract'
        )
    lines += [
        '# ca_file = "ca.pem"          # the authority that signed the certificate',
        "# update = true               # PUT to the Location replaces the resource",
        "# idempotency = true          # Idempotency-Key is honoured on POST",
        "# max_body_bytes = 65536      # a body above this is refused with 413",
        "cleanup = false               # true: DELETE what the run created",
        "",
        "# Where the fields are in a reply. Empty: the target does not show the field, and its checks are skipped.",
        "[target.fields]",
        'id = "id"',
        f"name = {_quoted(_name_field(known))}",
        'created_at = "created_at"',
        'created_by = "created_by"',
        "",
        "# Envelopes, as JSON Pointers.",
        "# [target.envelope]",
        '# request = "/item"',
        '# reply = "/data"',
        "",
        "# How it refuses, where that differs from the contract (docs/contract.md).",
        "# [target.errors.statuses]",
        "# validation = 422",
        "",
        *_auth(known.security, trusted),
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
        case ("http", _):
            return ["[auth]", 'kind = "static"', 'writer_env = "CREATEFLOW_TOKEN"  # holds the token']
        case ("apiKey", _) if scheme.get("in") == "header" and _fits(ApiKeyAuth, header=scheme.get("name")):
            return [
                "[auth]",
                'kind = "api_key"',
                f"header = {_quoted(scheme['name'])}",
                'writer_env = "CREATEFLOW_KEY"  # holds the key',
            ]
        case ("oauth2", _) if _fits(OAuth2Auth, token_url=(url := _token_url(scheme))):
            return _oauth2(url, is_trusted=origin_of(url) in trusted)
        case ("oauth2" | "openIdConnect", _):
            return ["[auth]", 'kind = "static"', 'writer_env = "CREATEFLOW_TOKEN"  # holds an access token']
    return [
        "# How requests are authenticated: none, static, api_key, basic, jwt, oauth2_client_credentials or command.",
        "[auth]",
        'kind = "none"',
        '# kind = "static"',
        '# writer_env = "CREATEFLOW_TOKEN"  # the name of an environment variable that holds a token',
    ]


def _oauth2(token_url: str, *, is_trusted: bool) -> list[str]:
    lines = [
        'kind = "oauth2_client_credentials"',
        f"token_url = {_quoted(token_url)}",
        'writer_env = "CREATEFLOW_CLIENT"  # holds client_id:client_secret',
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
    return as_object(as_object(scheme.get("flows")).get("clientCredentials")).get("tokenUrl")


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


def _path(path: str) -> str:
    named = _VARIABLE.sub(lambda match: f"{{{_identifier(match[1])}}}", path)
    return "/" + quote(named.lstrip("/"), safe="/{}%:@!$&'()*+,;=~?-._")


def _identifier(name: str) -> str:
    word = re.sub(r"\W", "_", name)
    if word in {"new_id", "run_id"}:  # a profile gives these a meaning of their own
        return f"{word}_"
    return word if word[:1].isalpha() or word[:1] == "_" else f"_{word}"


def _name_field(operation: CreateOperation) -> str:
    """The field that makes each create unique: free text, with one of the usual names."""
    properties = (operation.schema or {}).get("properties", {})
    free = [
        name
        for name, schema in properties.items()
        if isinstance(schema, dict)
        and "string" in (schema.get("type"), *_several(schema.get("type")))
        and not {"enum", "format", "pattern"} & set(schema)
        and re.match(r"[^/@]", name)
        and len(name) <= _LONGEST
    ]
    return next((name for name in _NAMES if name in free), free[0] if free else "name")


def _several(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else []


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string as well, if DEL is escaped and no surrogates are.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    # A comment ends with its line, and TOML allows no control characters in it.
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
