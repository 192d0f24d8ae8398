"""Finding the create among a document's operations, and what it takes to make one."""

from dataclasses import dataclass
from typing import Any

from createflow.scenarios.openapi.document import Document, resolved
from createflow.schemas.error import UserError


@dataclass(frozen=True, slots=True)
class CreateOperation:
    """One operation that creates."""

    path: str
    base_url: str
    """Empty when the document does not say."""
    media_type: str
    schema: dict[str, Any] | None
    """JSON Schema 2020-12 of the body, without references."""
    security: dict[str, Any] | None
    """The first security scheme that it asks for."""
    others: tuple[str, ...]
    """Paths of other operations that create."""


def create_operation(document: Document, path: str | None = None) -> CreateOperation:
    """The operation at a path, else the first POST that answers 201, else the first POST with a JSON body.

    Raises:
        UserError: there is none.
    """
    posts = {name: item["post"] for name, item in _paths(document).items() if isinstance(item.get("post"), dict)}
    answering = [name for name, operation in posts.items() if "201" in operation.get("responses", {})]
    candidates = answering or [name for name, operation in posts.items() if _media_type(document, operation)]
    # A path without parameters needs nothing that exists before.
    candidates.sort(key=lambda name: "{" in name)
    if path is not None:
        candidates = [path] if path in posts else []
    if not candidates:
        known = ", ".join(sorted(posts)) or "none"
        raise UserError(f"the document has no create{f' at {path}' if path else ''}", hint=f"its POSTs: {known}")
    chosen, *others = candidates
    operation = posts[chosen]
    media_type = _media_type(document, operation)
    content = _content(document, operation).get(media_type, {}) if media_type else {}
    prefix = _server(document)
    return CreateOperation(
        path=f"{prefix[1]}{chosen}",
        base_url=prefix[0],
        media_type=media_type or "application/json",
        schema=_schema(document, content),
        security=_security(document, operation),
        others=tuple(others),
    )


def _paths(document: Document) -> dict[str, Any]:
    paths = document.get("paths")
    return {name: item for name, item in paths.items() if isinstance(item, dict)} if isinstance(paths, dict) else {}


def _content(document: Document, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {})
    if isinstance(body, dict) and "$ref" in body:
        body = resolved(document, body)
    content = body.get("content") if isinstance(body, dict) else None
    return content if isinstance(content, dict) else {}


def _media_type(document: Document, operation: dict[str, Any]) -> str:
    types = [name for name in _content(document, operation) if "json" in name]
    return "application/json" if "application/json" in types else next(iter(types), "")


def _server(document: Document) -> tuple[str, str]:
    """Base URL and the path that stands before all others."""
    servers = document.get("servers") or [{}]
    url = str(servers[0].get("url", "")) if isinstance(servers[0], dict) else ""
    if "{" in url:
        return "", ""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "", url.rstrip("/")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", f"{slash}{path}".rstrip("/")


def _schema(document: Document, content: dict[str, Any]) -> dict[str, Any] | None:
    schema = resolved(document, content.get("schema", {}))
    schema = _merged(_translated(schema)) if isinstance(schema, dict) else {}
    if not isinstance(schema.get("properties"), dict) or not schema["properties"]:
        return None
    example = content.get("example")
    if isinstance(example, dict):
        schema["examples"] = [example]
    read_only = [name for name, field in schema["properties"].items() if field.get("readOnly")]
    for name in read_only:
        del schema["properties"][name]
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name not in read_only]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _translated(value: Any) -> Any:
    """OpenAPI 3.0's own words as JSON Schema has them: nullable, example, exclusive bounds as booleans."""
    if isinstance(value, list):
        return [_translated(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _translated(item) for key, item in value.items() if key not in {"nullable", "example"}}
    if value.get("nullable") is True and isinstance(value.get("type"), str):
        made["type"] = [value["type"], "null"]
        if "enum" in made and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    if "example" in value and not isinstance(value["example"], dict):
        made["examples"] = [value["example"]]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if value.get(exclusive) is True and bound in made:
            made[exclusive] = made.pop(bound)
        elif value.get(exclusive) is False:
            made.pop(exclusive, None)
    return made


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """The parts of an allOf as one object, as far as properties and required fields go."""
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    whole = {key: item for key, item in schema.items() if key != "allOf"}
    for part in (_merged(part) for part in parts if isinstance(part, dict)):
        properties = {**whole.get("properties", {}), **part.get("properties", {})}
        required = [*whole.get("required", []), *part.get("required", [])]
        whole = {**part, **whole, "properties": properties, "required": list(dict.fromkeys(required))}
    return whole


def _security(document: Document, operation: dict[str, Any]) -> dict[str, Any] | None:
    wanted = operation.get("security", document.get("security")) or []
    schemes = document.get("components", {}).get("securitySchemes", {})
    for requirement in wanted:
        for name in requirement:
            scheme = resolved(document, schemes.get(name))
            if isinstance(scheme, dict):
                return scheme
    return None
