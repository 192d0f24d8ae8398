"""Every key of a profile that says how a correct server is built, with the habits of one that is built so."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from tests.scenarios.checks.liberties.front import PRINCIPALS
from tests.scenarios.checks.liberties.lawful_run import SCHEMA
from tests.scenarios.checks.liberties.liberty import Liberty
from tests.scenarios.checks.liberties.service import COLLECTION

_SCHEMA_OF_TITLES = {
    "type": "object",
    "additionalProperties": False,
    "required": ["title"],
    "properties": {"title": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "\\S"}},
}
_SCHEMA_WITH_SECRETS = {
    **SCHEMA,
    "required": ["name", "password"],
    "properties": {
        **SCHEMA["properties"],
        "password": {"type": "string", "minLength": 8, "maxLength": 72, "writeOnly": True},
        "settings": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"pin": {"type": "integer", "writeOnly": True}, "size": {"type": "integer"}},
        },
    },
}
_ROLES = {"items:read": "reader", "items:write": "writer"}
_SCOPES = ("items:read", "items:write")
_PRINCIPALS = {"writer_env": "SWITCH_WRITER", "other_writer_env": "SWITCH_OTHER_WRITER", "reader_env": "SWITCH_READER"}


def _switch(
    sections: Mapping[str, Any],
    habits: Mapping[str, Any] | None = None,
    *,
    front: Mapping[str, Any] | None = None,
    schema: Mapping[str, Any] | None = None,
) -> Liberty:
    return Liberty("the profile declares it", (), habits or {}, sections, schema=schema, front=front or {})


def _target(**keys: object) -> dict[str, Any]:
    return {"target": keys}


def _credential(kind: str, challenge: str, **keys: object) -> Liberty:
    return _switch({"auth": {"kind": kind, **_PRINCIPALS, **keys}}, {"challenges": (challenge,)})


def _error(status: int, code: str, detail: str) -> bytes:
    return json.dumps({"error": {"code": code, "status": status, "message": detail}}).encode()


def _without_secrets(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "password"}
    if isinstance(shown.get("settings"), dict):
        shown["settings"] = {name: value for name, value in shown["settings"].items() if name != "pin"}
    return shown


def _time(shape: Callable[[float], str | int]) -> dict[str, Any]:
    return {"time_format": shape}


SWITCHES: dict[str, Liberty] = {
    # The operations
    "no update": _switch(_target(update=False, versions=False)),
    "no delete": _switch(_target(delete=False)),
    "no versions": _switch(_target(versions=False), {"etag": "none"}),
    "no idempotency": _switch(_target(idempotency=False)),
    "anyone may change": _switch(_target(owned=False)),
    "no bound of a body": _switch(_target(max_body_bytes=None)),
    "a small bound of a body": _switch(_target(max_body_bytes=30_000), {"max_body_bytes": 30_000}),
    "private": _switch(_target(private=True)),
    "unique names": _switch(_target(unique_name=True)),
    "an update names a version": _switch(_target(conditional_updates=True, update=True, versions=True)),
    "a repeated key is refused": _switch(_target(idempotency_policy="refuse", idempotency=True)),
    "a key in quotes": _switch(_target(idempotency_key_form="quoted", idempotency=True)),
    "another header of the key": _switch(_target(idempotency_header="X-Request-Key", idempotency=True)),
    "clean-up": _switch(_target(cleanup=True, delete=True)),
    "another clean-up": _switch(
        _target(cleanup=True, cleanup_request={"method": "POST", "path": "{url}/removal"}),
        front={"removal": "/removal"},
    ),
    # Where it is
    "another path": _switch(_target(path="/v2/things"), front={"path": "/v2/things"}),
    "below a parent": _switch(
        {
            "target": {"path": "/api/parents/{parent}/resources"},
            "setup": [{"path": "/api/parents", "capture": {"parent": "/id"}}],
            "teardown": [{"method": "DELETE", "path": "/api/parents/{parent}"}],
        },
        front={"path": "/api/parents/p-1/resources", "has_parents": True},
    ),
    "creates by PUT": _switch(
        _target(method="PUT", path=COLLECTION + "/{new_id}", update=True), front={"path": COLLECTION, "puts": True}
    ),
    "a header of its own": _switch(_target(headers={"X-Tenant": "one"}), front={"needed": ("X-Tenant", "one")}),
    "another media type": _switch(_target(media_type="application/vnd.things+json")),
    "accepts JSON alone": _switch(_target(accept="application/json")),
    # What is sent and shown
    "an OpenAPI document": _switch(
        _target(openapi_file="", method="POST", path=COLLECTION, envelope={"request": "", "reply": "", "read": None}),
        schema=SCHEMA,
    ),
    "one body": _switch(_target(body={"name": "one", "description": "body"}), schema=SCHEMA),
    "the bytes of a body": _switch(
        _target(body_file={"name": "some bytes"}, unique_name=False, envelope={"request": ""}), schema=SCHEMA
    ),
    "other fields": _switch(
        _target(fields={"id": "uuid", "name": "title", "created_at": "made", "created_by": "owner"}),
        schema=_SCHEMA_OF_TITLES,
    ),
    "what is never shown": _switch(_target(), {"trailing": _without_secrets}, schema=_SCHEMA_WITH_SECRETS),
    "a key that is never shown": _switch(
        _target(fields={"write_only": ["password"]}),
        {"trailing": _without_secrets},
        schema={
            **SCHEMA,
            "required": ["name", "password"],
            "properties": {**SCHEMA["properties"], "password": {"type": "string", "minLength": 8, "maxLength": 72}},
        },
    ),
    "no time and no creator": _switch(_target(fields={"created_at": "", "created_by": ""})),
    "the id of the Location": _switch(_target(fields={"id": "@location"}, self_link="", read_path="")),
    "times in milliseconds": _switch(
        _target(fields={"created_at_format": "epoch_ms"}), _time(lambda at: round(at * 1000))
    ),
    "times in seconds": _switch(_target(fields={"created_at_format": "epoch_s"}), _time(round)),
    "times of HTTP": _switch(
        _target(fields={"created_at_format": "http_date"}), _time(lambda at: formatdate(at, usegmt=True))
    ),
    "an envelope of requests": _switch(_target(envelope={"request": "/item"})),
    "an envelope of replies": _switch(_target(envelope={"reply": "/data", "read": "/data"})),
    "an envelope of reads": _switch(_target(envelope={"read": "/item"})),
    "a part of the 201": _switch(_target(reply="partial"), {"body_of_201": "partial"}),
    "a link in the body": _switch(_target(self_link="/links/self", read_path="")),
    "no Location": _switch(_target(read_path=COLLECTION + "/{id}", self_link="", path=COLLECTION)),
    "a slash after the id": _switch(
        _target(read_path=COLLECTION + "/{id}/", self_link="", path=COLLECTION), {"read_redirect": 308}
    ),
    # Refusals
    "422 to what is invalid": _switch(_target(errors={"statuses": {"validation": [400, 422]}}), {"invalid": 422}),
    "404 to the forbidden": _switch(_target(errors={"statuses": {"forbidden": [404]}}), {"forbidden": 404}),
    "errors in an envelope": _switch(
        _target(errors={"media_type": "application/json", "code": "/error/code"}),
        {"error_body": _error, "error_media_type": "application/json"},
    ),
    # Credentials
    "a token as it is": _credential("static", 'Bearer realm="resources"{error}'),
    "an API key": _credential("api_key", 'ApiKey realm="resources"'),
    "an API key in another header": _credential("api_key", 'Key realm="resources"', header="X-Token", scheme="Key"),
    "an API key in the query": _credential("api_key", 'ApiKey realm="resources"', key_in="query", name="api_key"),
    "an API key in a cookie": _credential("api_key", 'ApiKey realm="resources"', key_in="cookie", name="sid"),
    "a password": _credential("basic", 'Basic realm="resources", charset="UTF-8"'),
    "tokens of OAuth 2": _credential(
        "oauth2_client_credentials", 'Bearer realm="resources"{error}', token_url="http://127.0.0.1:9/token"
    ),
    "the client in the form": _credential(
        "oauth2_client_credentials",
        'Bearer realm="resources"{error}',
        token_url="http://127.0.0.1:9/token",
        client_in="body",
    ),
    # Their requests are those of tokens of OAuth 2: they are tried alone.
    **{
        name: replace(
            _credential(kind, 'Bearer realm="resources"{error}', token_url="http://127.0.0.1:9/token"), is_alone=True
        )
        for name, kind in (
            ("a user of OAuth 2", "oauth2_password"),
            ("a refresh token of OAuth 2", "oauth2_refresh_token"),
        )
    },
    "a session": _credential(
        "session",
        'Session realm="resources"',
        login_url="http://127.0.0.1:9/login",
        cookie="sid",
        csrf_header="X-CSRF-Token",
        csrf_cookie="csrf",
    ),
    "tokens of a command": _switch(
        {"auth": {"kind": "command", **{name: ["echo", ""] for name in PRINCIPALS if name != "expired"}}}
    ),
    "no credential": _switch({"auth": {"kind": "none"}, "target": {"owned": False, "fields": {"created_by": ""}}}),
    "no roles": _switch({"auth": {"kind": "jwt", "writer_roles": (), "reader_roles": ()}}, {"roles": False}),
    "a declared leeway": _switch({"auth": {"kind": "jwt", "leeway_s": 5}}, {"leeway_s": 5}),
    "a type of token": _switch({"auth": {"kind": "jwt", "type": "JWT"}}, {"type": "jwt"}),
    "a key's name": _switch({"auth": {"kind": "jwt", "key_id": "key-7"}}),
    "a shared secret": _switch({"auth": {"kind": "jwt", "algorithm": "HS256", "secret_env": "SWITCH_SECRET"}}),
    "tokens of nobody": _switch({"auth": {"kind": "jwt", "issuer": None}}),
    "tokens for anybody": _switch({"auth": {"kind": "jwt", "audience": None}}),
    "roles as a scope": _switch(
        {"auth": {"kind": "jwt", "roles_claim": "scope", "reader_roles": ("items:read",), "writer_roles": _SCOPES}},
        {"roles_of": lambda claims: [_ROLES.get(word, "") for word in str(claims.get("scope", "")).split(" ")]},
    ),
    "roles within a claim": _switch(
        {"auth": {"kind": "jwt", "roles_claim": "/realm_access/roles", "claims": {"realm_access": {"verify": True}}}},
        {"roles_of": lambda claims: claims.get("realm_access", {}).get("roles", ())},
    ),
    # Limits, delays and promises
    "a narrow limit": _switch({"limits": {"rate_per_s": 100, "burst": 40}}),
    "a limit by window": _switch({"limits": {"rate_per_s": 50, "burst": 100}}, {"window_s": 2.0}),
    "a small burst": _switch({"limits": {"rate_per_s": 60, "burst": 5}}),
    "late reads": _switch({"deadlines": {"read_s": 0.5}}, {"read_lag_s": 0.2}),
    **{
        f"promises {name}": _switch({"promises": {name: True}})
        for name in (
            "media_types",
            "unknown_methods",
            "strict_json",
            "unique_keys",
            "identity_first",
            "malformed_tokens",
            "one_spelling",
            "token_types",
            "token_ends",
            "issue_times",
        )
    },
    "promises error_places": _switch({"promises": {"error_places": True}, "target": {"errors": {"code": ""}}}),
    "promises saturation": _switch({"promises": {"saturation": True}}, {"most_at_once": 40}),
}
"""By their names. Those that contradict each other are never together."""
