"""Finding the create among a document's operations, and what it takes to make one."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from createflow.scenarios.openapi.document import Document, resolved
from createflow.schemas.error import UserError
from createflow.schemas.profile_section import BaseUrl


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
    answering = [name for name, operation in posts.items() if "201" in an_object(operation.get("responses"))]
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
    content = an_object(_content(document, operation).get(media_type))
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
    return {name: item for name, item in an_object(document.get("paths")).items() if isinstance(item, dict)}


def _content(document: Document, operation: dict[str, Any]) -> dict[str, Any]:
    body = an_object(operation.get("requestBody"))
    if "$ref" in body:
        body = an_object(resolved(document, body))
    return an_object(body.get("content"))


def _media_type(document: Document, operation: dict[str, Any]) -> str:
    types = [name for name in _content(document, operation) if "json" in name]
    return "application/json" if "application/json" in types else next(iter(types), "")


def _server(document: Document) -> tuple[str, str]:
    """Base URL, empty when it is none that can be asked, and the path that stands before all others."""
    servers = _a_list(document.get("servers"))
    url = str(an_object(servers[0] if servers else {}).get("url", ""))
    if "{" in url:
        return "", ""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "", url.rstrip("/")
    host, slash, path = rest.partition("/")
    base_url = f"{scheme}://{host}"
    try:
        TypeAdapter(BaseUrl).validate_python(base_url)
    except ValidationError:
        base_url = ""
    return base_url, f"{slash}{path}".rstrip("/")


def _schema(document: Document, content: dict[str, Any]) -> dict[str, Any] | None:
    schema = _merged(an_object(_translated(resolved(document, content.get("schema", {})))))
    properties = an_object(schema.get("properties"))
    # What the server alone sets is not to be sent.
    fields = {name: field for name, field in properties.items() if not an_object(field).get("readOnly")}
    if not fields:
        return None
    schema["properties"] = fields
    if "required" in schema:
        schema["required"] = [name for name in _a_list(schema["required"]) if isinstance(name, str) and name in fields]
    example = content.get("example")
    if isinstance(example, dict):
        schema["examples"] = [example]
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
        if "enum" in made and None not in _a_list(made["enum"]):
            made["enum"] = [*_a_list(made["enum"]), None]
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
        properties = {**an_object(whole.get("properties")), **an_object(part.get("properties"))}
        required = [*_a_list(whole.get("required")), *_a_list(part.get("required"))]
        names = dict.fromkeys(name for name in required if isinstance(name, str))
        whole = {**part, **whole, "properties": properties, "required": list(names)}
    return whole


def _security(document: Document, operation: dict[str, Any]) -> dict[str, Any] | None:
    wanted = _a_list(operation.get("security", document.get("security")))
    schemes = an_object(an_object(document.get("components")).get("securitySchemes"))
    for requirement in wanted:
        for name in an_object(requirement):
            scheme = resolved(document, schemes.get(name))
            if isinstance(scheme, dict):
                return scheme
    return None


def an_object(value: Any) -> dict[str, Any]:
    """The value, or an empty object in the place of what should have been one: nobody checks these documents."""
    return value if isinstance(value, dict) else {}


def _a_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
