"""The OpenAPI 3.1 document, assembled from the wire schemas."""

import json
from typing import Any

from createflow.reference_server.domain.sanitising import INTEGER_MAX, INTEGER_MIN, NAME_RULES, TEXT_PATTERN
from createflow.reference_server.stages.api.https_request import CONDITION_PATTERN
from createflow.reference_server.stages.api.validation import KEY_MAX, KEY_PATTERN, QUERY_MAX, QUERY_PATTERN
from createflow.schemas.wire import METADATA_MAX_DEPTH, SchemaName, wire_schema

_PARTS: dict[SchemaName, str] = {"create_request": "CreateRequest", "resource": "Resource", "problem": "Problem"}
_CONDITION = {"type": "string", "minLength": 1, "pattern": CONDITION_PATTERN}
_ERRORS = {
    "400": "The request is not valid",
    "401": "No valid token",
    "403": "The roles do not allow it",
    "429": "Too many requests",
    "500": "The database refused; rolled back",
    "503": "Not available now; nothing was done",
    "504": "The outcome is unknown",
}


def document() -> dict[str, Any]:
    """Return the whole document."""
    item_errors = {**_ERRORS, "404": "No such resource"}
    body_errors = {"413": "The body is too large", "415": "Not JSON"}
    identifier = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    query = {"name": "q", "in": "query", "required": True, "schema": _text(1, QUERY_MAX, QUERY_PATTERN)}
    etag = {"ETag": {"schema": {"type": "string"}}}
    located = {"Location": {"schema": {"type": "string", "format": "uri-reference"}}, **etag}
    found = {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": _ref("Resource")}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Resources", "version": "1.0.0"},
        "security": [{"bearer": []}],
        "paths": {
            "/api/resources": {
                "post": {
                    "operationId": "createResource",
                    "parameters": [_header("Idempotency-Key", _text(1, KEY_MAX, KEY_PATTERN))],
                    "requestBody": _body(),
                    "responses": {
                        "201": _reply("Created", _ref("Resource"), located),
                        **_problems(
                            {
                                **_ERRORS,
                                **body_errors,
                                "409": "The Idempotency-Key or the name is in use",
                                "422": "The Idempotency-Key belongs to another body",
                            }
                        ),
                    },
                },
                "get": {
                    "operationId": "searchResources",
                    "parameters": [query],
                    "responses": {"200": _reply("Found", found, {}), **_problems(_ERRORS)},
                },
            },
            "/api/resources/{id}": {
                "parameters": [identifier],
                "get": {
                    "operationId": "readResource",
                    "parameters": [_header("If-None-Match", {"type": "string"})],
                    "responses": {
                        "200": _reply("The resource", _ref("Resource"), etag),
                        "304": {"description": "Not changed"},
                        **_problems(item_errors),
                    },
                },
                "put": {
                    "operationId": "replaceResource",
                    "parameters": [_header("If-Match", _CONDITION)],
                    "requestBody": _body(),
                    "responses": {
                        "200": _reply("Replaced", _ref("Resource"), etag),
                        **_problems(
                            {
                                **item_errors,
                                **body_errors,
                                "409": "The name is in use",
                                "412": "Another version by now",
                                "428": "If-Match is required",
                            }
                        ),
                    },
                },
                "delete": {
                    "operationId": "deleteResource",
                    "parameters": [_header("If-Match", _CONDITION)],
                    "responses": {
                        "204": {"description": "Deleted"},
                        **_problems({**item_errors, "412": "Another version by now", "428": "If-Match is required"}),
                    },
                },
            },
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def text() -> bytes:
    """Return the document as JSON."""
    return json.dumps(document(), ensure_ascii=False).encode()


def _plain(name: SchemaName) -> dict[str, Any]:
    """Return a wire schema without the keys that only a schema file needs."""
    return {key: value for key, value in wire_schema(name).items() if key not in {"$schema", "$id"}}


def _ref(title: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{title}"}


def _header(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": schema}


def _text(shortest: int, longest: int, pattern: str) -> dict[str, Any]:
    return {"type": "string", "minLength": shortest, "maxLength": longest, "pattern": pattern}


def _schemas() -> dict[str, Any]:
    """The wire schemas, and in the one of requests also what step 5 refuses beyond them."""
    schemas = {title: _plain(name) for name, title in _PARTS.items()}
    request = schemas[_PARTS["create_request"]]
    properties = dict(request["properties"])
    properties["name"] = {**properties["name"], "allOf": NAME_RULES}
    properties["description"] = {**properties["description"], "pattern": TEXT_PATTERN}
    properties["metadata"] = {**properties["metadata"], **_members(METADATA_MAX_DEPTH)}
    return {**schemas, _PARTS["create_request"]: {**request, "properties": properties}}


def _members(levels: int) -> dict[str, Any]:
    """The rules for the members of an object: text without control characters, numbers that can be kept, the depth."""
    return {"propertyNames": {"pattern": TEXT_PATTERN}, "additionalProperties": _value(levels - 1)}


def _value(levels: int) -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [
        {"type": "string", "pattern": TEXT_PATTERN},
        {"type": "integer", "minimum": INTEGER_MIN, "maximum": INTEGER_MAX},
        {"type": "number"},
        {"type": ["boolean", "null"]},
    ]
    if levels:
        kinds += [{"type": "array", "items": _value(levels - 1)}, {"type": "object", **_members(levels)}]
    return {"anyOf": kinds}


def _body() -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": _ref("CreateRequest")}}}


def _reply(description: str, schema: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "headers": headers, "content": {"application/json": {"schema": schema}}}


def _problems(errors: dict[str, str]) -> dict[str, Any]:
    return {
        status: {"description": text, "content": {"application/problem+json": {"schema": _ref("Problem")}}}
        for status, text in sorted(errors.items())
    }
