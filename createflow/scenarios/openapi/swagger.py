"""Writes a document of Swagger 2.0 as OpenAPI 3.0, as far as anything here reads it.

References are rewritten, and what they lead to stays where it is looked for: ``#/definitions/X`` becomes
``#/components/schemas/X``. What it cannot be written as is left out: forms, files, collection formats.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from createflow.scenarios.openapi.references import Document, target_of
from createflow.scenarios.openapi.several_files import FILES, UNREAD
from createflow.scenarios.openapi.values import as_list, as_object

_MOVED = {
    "#/definitions/": "#/components/schemas/",
    "#/responses/": "#/components/responses/",
    "#/parameters/": "#/components/parameters/",
    "#/securityDefinitions/": "#/components/securitySchemes/",
}
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "options", "head"})
_OF_PARAMETERS = frozenset({"in", "name", "required", "collectionFormat", "allowEmptyValue"})
_JSON = ("application/json",)
_FLOWS = {"application": "clientCredentials", "accessCode": "authorizationCode"}
_OF_PARAMETERS = frozenset({"name", "in", "description", "required", "allowEmptyValue"})


def from_swagger(document: Document) -> Document:
    """The document as OpenAPI 3.0."""
    components = {
        "schemas": as_object(document.get("definitions")),
        "responses": {
            name: _response(one, _kinds(document, {}, "produces"))
            for name, one in as_object(document.get("responses")).items()
        },
        "parameters": {name: _parameter(one) for name, one in as_object(document.get("parameters")).items()},
        "securitySchemes": {
            name: _scheme(as_object(one)) for name, one in as_object(document.get("securityDefinitions")).items()
        },
    }
    made = {
        "openapi": "3.0.3",
        "info": document.get("info", {}),
        "servers": list(_servers(document)),
        "paths": {path: _item(document, one) for path, one in as_object(document.get("paths")).items()},
        "components": components,
        **{name: document[name] for name in (FILES, UNREAD) if name in document},
        **({"security": document["security"]} if "security" in document else {}),
    }
    return as_object(_moved(made))


def _servers(document: Document) -> Iterator[dict[str, str]]:
    """``https`` first. Without a host, the document's own address counts."""
    base, host = str(document.get("basePath", "")), document.get("host")
    if not isinstance(host, str) or not host:
        yield {"url": base or "/"}
        return
    schemes = [one for one in as_list(document.get("schemes")) if one in {"http", "https"}] or ["https"]
    for scheme in sorted(schemes, reverse=True):
        yield {"url": f"{scheme}://{host}/{base.strip('/')}".rstrip("/")}


def _item(document: Document, item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    shared = as_list(item.get("parameters"))
    return {
        **item,
        "parameters": [_parameter(one) for one in shared if not _is_of_body(document, one)],
        **{
            method: _operation(document, as_object(operation), shared)
            for method, operation in item.items()
            if method in _METHODS
        },
    }


def _operation(document: Document, operation: dict[str, Any], shared: list[Any]) -> dict[str, Any]:
    own = as_list(operation.get("parameters"))
    made = {
        **{name: value for name, value in operation.items() if name not in {"consumes", "produces", "schemes"}},
        "parameters": [_parameter(one) for one in own if not _is_of_body(document, one)],
        "responses": {
            str(status): _response(one, _kinds(document, operation, "produces"))
            for status, one in as_object(operation.get("responses")).items()
        },
    }
    content = _content(document, operation, [*own, *shared])
    return {**made, "requestBody": {"content": content}} if content else made


def _content(document: Document, operation: dict[str, Any], parameters: list[Any]) -> dict[str, Any]:
    """The media types of the body, with its schema."""
    found = [as_object(target_of(document, one)) for one in parameters]
    consumes = _kinds(document, operation, "consumes")
    body = next((one for one in found if one.get("in") == "body"), None)
    if body is not None:
        example = {"example": body["x-example"]} if "x-example" in body else {}
        return {str(kind): {"schema": body.get("schema", {}), **example} for kind in consumes}
    if any(one.get("in") == "formData" for one in found):
        forms = [kind for kind in consumes if kind not in _JSON] or ["application/x-www-form-urlencoded"]
        schema = _form_schema([one for one in found if one.get("in") == "formData"])
        return {str(kind): {"schema": schema} for kind in forms}
    return {}


def _form_schema(fields: list[dict[str, Any]]) -> dict[str, Any]:
    """The schema of a form, each field of which is a parameter (Swagger 2.0, Parameter Object)."""
    properties = {
        str(one["name"]): {key: value for key, value in one.items() if key not in _OF_PARAMETERS}
        | ({"type": "string", "format": "binary"} if one.get("type") == "file" else {})
        for one in fields
        if "name" in one
    }
    required = [str(one["name"]) for one in fields if one.get("required") is True and "name" in one]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _kinds(document: Document, operation: Mapping[str, Any], keyword: str) -> list[Any]:
    """The media types of an operation; JSON where none is named, as most do that name none."""
    return as_list(operation.get(keyword, document.get(keyword))) or list(_JSON)


def _response(response: Any, kinds: list[Any]) -> Any:
    if not isinstance(response, dict) or "$ref" in response:
        return response
    made = {name: value for name, value in response.items() if name not in {"schema", "examples"}}
    if "schema" in response:
        made["content"] = {str(kind): {"schema": response["schema"]} for kind in kinds}
    return made


def _is_of_body(document: Document, parameter: Any) -> bool:
    return as_object(target_of(document, parameter)).get("in") in {"body", "formData"}


def _parameter(parameter: Any) -> Any:
    """Type and bounds stand in a schema."""
    if not isinstance(parameter, dict) or "$ref" in parameter or "schema" in parameter:
        return parameter
    kept = {name: value for name, value in parameter.items() if name in _OF_PARAMETERS}
    schema = {name: value for name, value in parameter.items() if name not in _OF_PARAMETERS}
    return {**kept, "schema": schema}


def _scheme(scheme: dict[str, Any]) -> dict[str, Any]:
    if scheme.get("type") == "basic":
        return {"type": "http", "scheme": "basic"}
    if scheme.get("type") != "oauth2":
        return scheme
    flow = str(scheme.get("flow"))
    kept = {name: scheme[name] for name in ("tokenUrl", "authorizationUrl", "scopes") if name in scheme}
    return {"type": "oauth2", "flows": {_FLOWS.get(flow, flow): kept}}


def _moved(value: Any) -> Any:
    """The value with its references as OpenAPI 3.0 has them; ``x-nullable``, a usual addition, is ``nullable`` there.

    The value is no deeper than a document may be.
    """
    if isinstance(value, list):
        return [_moved(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: _moved(one) for name, one in value.items()}
    reference = made.get("$ref")
    if isinstance(reference, str):
        old = next((old for old in _MOVED if reference.startswith(old)), "")
        made["$ref"] = _MOVED[old] + reference.removeprefix(old) if old else reference
    if isinstance(made.get("discriminator"), str):
        made["discriminator"] = {"propertyName": made["discriminator"]}
    if made.get("x-nullable") is True:
        made["nullable"] = True
    return made
