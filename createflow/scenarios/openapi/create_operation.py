"""Finds the create among the operations of a document, and what is needed to send one."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from createflow.scenarios.openapi.references import Document, Resolver, target_of
from createflow.scenarios.text.json_schema import with_subschemas, without_read_only
from createflow.schemas.error import UserError
from createflow.schemas.profile_section import BaseUrl, HeaderValue

_LONGEST_PATH = 2000
_LONGEST_NAME = 200
_MOST_NAMED = 20
_MOST_REQUIREMENTS = 20


@dataclass(frozen=True, slots=True)
class CreateOperation:
    """One operation that creates a resource."""

    path: str
    base_url: str
    """Scheme, host and port that the document's ``servers`` name, empty when it names none. It is only what a document
    says: requests go there when the user has named or confirmed it."""
    media_type: str
    schema: dict[str, Any] | None
    """JSON Schema 2020-12 of the body, without references."""
    security: dict[str, Any] | None
    """The first security scheme that it requires."""
    others: tuple[str, ...]
    """Paths of other operations that create."""
    elsewhere: tuple[str, ...] = ()
    """References to other documents in the schema, which are not followed: anything is allowed there."""


def find_create_operation(document: Document, path: str | None = None) -> CreateOperation:
    """The operation at a path, else the first POST that answers 201, else the first POST with a JSON body.

    Raises:
        UserError: the document has none.
    """
    posts = {name: item["post"] for name, item in _paths(document).items() if isinstance(item.get("post"), dict)}
    answering = [name for name, operation in posts.items() if "201" in as_object(operation.get("responses"))]
    candidates = answering or [name for name, operation in posts.items() if _media_type(document, operation)]
    # A path without parameters needs no other resource.
    candidates.sort(key=lambda name: "{" in name)
    if path is not None:
        candidates = [path] if path in posts else []
    if not candidates:
        known = ", ".join(name[:_LONGEST_NAME] for name in sorted(posts)[:_MOST_NAMED]) or "none"
        raise UserError(f"the document has no create{f' at {path}' if path else ''}", hint=f"its POSTs: {known}")
    chosen, *others = candidates
    operation = posts[chosen]
    media_type = _media_type(document, operation)
    content = as_object(_content(document, operation).get(media_type))
    prefix = server_of(document)
    if len(prefix[1]) + len(chosen) > _LONGEST_PATH:
        raise UserError(f"the path of the create has more than {_LONGEST_PATH} characters")
    resolver = Resolver(document, keeps_recursion=True)
    return CreateOperation(
        path=f"{prefix[1]}{chosen}",
        base_url=prefix[0],
        media_type=media_type or "application/json",
        schema=_schema(resolver, content),
        security=_security(document, operation),
        others=tuple(others),
        elsewhere=tuple(resolver.elsewhere),
    )


def _paths(document: Document) -> dict[str, Any]:
    return {name: item for name, item in as_object(document.get("paths")).items() if isinstance(item, dict)}


def _content(document: Document, operation: dict[str, Any]) -> dict[str, Any]:
    body = as_object(target_of(document, operation.get("requestBody")))
    return as_object(body.get("content"))


def _media_type(document: Document, operation: dict[str, Any]) -> str:
    types = [name for name in _content(document, operation) if "json" in name and _is_media_type(name)]
    return "application/json" if "application/json" in types else next(iter(types), "")


def _is_media_type(name: str) -> bool:
    try:
        TypeAdapter(HeaderValue).validate_python(name)
    except ValidationError:
        return False
    return len(name) <= _LONGEST_NAME


def server_of(document: Document) -> tuple[str, str]:
    """The base URL, empty when it is not a valid address, and the path prefix of all operations."""
    servers = _as_list(document.get("servers"))
    url = str(as_object(servers[0] if servers else {}).get("url", ""))
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


def _schema(resolver: Resolver, content: dict[str, Any]) -> dict[str, Any] | None:
    schema = _merged(as_object(translated(resolver.resolved(content.get("schema", {})))))
    example = content.get("example")
    if isinstance(example, dict):
        schema["examples"] = [example]
    if resolver.definitions:
        schema["$defs"] = {name: translated(one) for name, one in resolver.definitions.items()}
    schema = as_object(without_read_only(schema))
    if not as_object(schema.get("properties")):
        return None
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def translated(value: Any) -> Any:
    """A schema with OpenAPI 3.0's own keywords as JSON Schema: nullable, example, exclusive bounds as booleans."""
    if not isinstance(value, dict):
        return value
    made = with_subschemas(value, lambda _, one: translated(one))
    for keyword in ("nullable", "example"):
        made.pop(keyword, None)
    is_nullable = value.get("nullable") is True
    if is_nullable and isinstance(value.get("type"), str):
        made["type"] = [value["type"], "null"]
        if "enum" in made and None not in _as_list(made["enum"]):
            made["enum"] = [*_as_list(made["enum"]), None]
    if "example" in value and not isinstance(value["example"], dict):
        made["examples"] = [value["example"]]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if value.get(exclusive) is True and bound in made:
            made[exclusive] = made.pop(bound)
        elif value.get(exclusive) is False:
            made.pop(exclusive, None)
    # Without a type of its own (OpenAPI 3.0.4 §4.7.24.2 asks for one, documents often lack it).
    is_composed = is_nullable and "type" not in value and bool({"allOf", "anyOf", "oneOf"} & value.keys())
    return {"anyOf": [made, {"type": "null"}]} if is_composed else made


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """The parts of an allOf as one object, as far as properties and required fields go."""
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    whole = {key: item for key, item in schema.items() if key != "allOf"}
    properties = dict(as_object(whole.get("properties")))
    required = _as_list(whole.get("required")).copy()
    for part in (_merged(part) for part in parts if isinstance(part, dict)):
        properties |= as_object(part.get("properties"))
        required += _as_list(part.get("required"))
        for key, item in part.items():
            whole.setdefault(key, item)
    names = dict.fromkeys(name for name in required if isinstance(name, str))
    return {**whole, "properties": properties, "required": list(names)}


def _security(document: Document, operation: dict[str, Any]) -> dict[str, Any] | None:
    wanted = _as_list(operation.get("security", document.get("security")))
    schemes = as_object(as_object(document.get("components")).get("securitySchemes"))
    for requirement in wanted[:_MOST_REQUIREMENTS]:
        for name in list(as_object(requirement))[:_MOST_REQUIREMENTS]:
            scheme = target_of(document, schemes.get(name))
            if isinstance(scheme, dict):
                return scheme
    return None


def as_object(value: Any) -> dict[str, Any]:
    """The value, or an empty object when it is not one: documents are often invalid."""
    return value if isinstance(value, dict) else {}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
