"""The body of a create as a document describes it: media type, schema, examples, and the envelope around it."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from createflow.scenarios.openapi.references import Document, Resolver, target_of
from createflow.scenarios.openapi.values import as_list, as_object
from createflow.scenarios.text.json_schema import with_subschemas, without_read_only
from createflow.schemas.profile_section import HeaderValue

_LONGEST_NAME = 100
_MOST_EXAMPLES = 10
_ANY = "*/*"


@dataclass(frozen=True, slots=True)
class Body:
    """What a create takes."""

    media_type: str
    schema: dict[str, Any] | None
    """JSON Schema 2020-12 of the representation, without references; ``None`` where the document has none."""
    pointer: str = ""
    """JSON Pointer to the representation inside the body."""
    also: dict[str, Any] | None = None
    """What else the body has, where the document leaves one value only."""
    is_list: bool = False
    elsewhere: tuple[str, ...] = ()
    """References to other documents, which are not followed: anything is allowed there."""


def content_of(document: Document, operation: dict[str, Any]) -> dict[str, Any]:
    """The media types of an operation's body."""
    return as_object(as_object(target_of(document, operation.get("requestBody"))).get("content"))


def json_media_type(content: dict[str, Any]) -> str:
    """The media type of a JSON body, as a key of the content; empty when there is none. ``*/*`` allows JSON too."""
    types = [name for name in content if ("json" in name.lower() and _is_media_type(name)) or name == _ANY]
    plain = [name for name in types if name.partition(";")[0].strip().lower() == "application/json"]
    return next(iter([*plain, *types]), "")


def body_of(document: Document, operation: dict[str, Any]) -> Body:
    """The body of an operation.

    Raises:
        UserError: its schema is too large.
    """
    content = content_of(document, operation)
    name = json_media_type(content)
    media = as_object(content.get(name))
    resolver = Resolver(document, keeps_recursion=True)
    whole = merged(as_object(translated(resolver.resolved(media.get("schema", {})))))
    examples = _examples(document, media)
    pointer, inner, also = _unwrapped(whole)
    media_type = "application/json" if name in {"", _ANY} else name
    own = [one for example in examples if (one := _at(example, pointer)) is not None]
    schema = {**inner, **({"examples": [*own, *as_list(inner.get("examples"))][:_MOST_EXAMPLES]} if own else {})}
    if resolver.definitions:
        schema["$defs"] = {key: translated(one) for key, one in resolver.definitions.items()}
    schema = as_object(without_read_only(schema))
    is_list = whole.get("type") == "array"
    if as_object(schema.get("properties")):
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    else:
        schema = {}
    return Body(media_type, schema or None, pointer, also, is_list, tuple(resolver.elsewhere))


def _examples(document: Document, media: dict[str, Any]) -> list[Any]:
    """The media type's examples: named ones first (OpenAPI 3.1.0 §4.8.14)."""
    named = [as_object(target_of(document, one)).get("value") for one in as_object(media.get("examples")).values()]
    return [one for one in [*named, media.get("example")] if isinstance(one, dict)][:_MOST_EXAMPLES]


def _unwrapped(schema: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    """Pointer to the representation, its schema, and what stands beside it: ``{"data": {"attributes": {...}}}``.

    An object is an envelope if all that it must have is one object and values that the document leaves no choice of.
    An array is no object.
    """
    properties = as_object(schema.get("properties"))
    required = [name for name in as_list(schema.get("required")) if name in properties]
    objects = [name for name in required if as_object(merged(as_object(properties[name])).get("properties"))]
    fixed = {name: value for name in required if (value := _only_value(as_object(properties[name]))) is not None}
    if len(objects) != 1 or set(required) != {*objects, *fixed} or _has_more(properties, required):
        return "", schema, None
    (name,) = objects
    pointer, inner, also = _unwrapped(merged(as_object(properties[name])))
    beside = {**fixed, **({name: also} if also else {})}
    return f"/{name.replace('~', '~0').replace('/', '~1')}{pointer}", inner, beside or None


def _has_more(properties: dict[str, Any], required: list[Any]) -> bool:
    """Whether there are values of its own that a body may have beside: then it is no mere envelope."""
    rest = [merged(as_object(one)) for name, one in properties.items() if name not in required]
    return any(not as_object(one.get("properties")) and one.get("type") not in {"array", "object"} for one in rest)


def _only_value(schema: dict[str, Any]) -> Any:
    values = as_list(schema.get("enum"))
    if "const" in schema:
        return schema["const"]
    return values[0] if len(values) == 1 and isinstance(values[0], (str, int, bool)) else None


def _at(example: Any, pointer: str) -> Any:
    for name in pointer.split("/")[1:]:
        example = as_object(example).get(name.replace("~1", "/").replace("~0", "~"))
    return example if isinstance(example, dict) else None


def _is_media_type(name: str) -> bool:
    try:
        TypeAdapter(HeaderValue).validate_python(name)
    except ValidationError:
        return False
    return len(name) <= _LONGEST_NAME


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
        if "enum" in made and None not in as_list(made["enum"]):
            made["enum"] = [*as_list(made["enum"]), None]
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


def merged(schema: dict[str, Any]) -> dict[str, Any]:
    """The parts of an allOf as one object, as far as properties and required fields go."""
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    whole = {key: item for key, item in schema.items() if key != "allOf"}
    properties = dict(as_object(whole.get("properties")))
    required = as_list(whole.get("required")).copy()
    for part in (merged(part) for part in parts if isinstance(part, dict)):
        properties |= as_object(part.get("properties"))
        required += as_list(part.get("required"))
        for key, item in part.items():
            whole.setdefault(key, item)
    names = dict.fromkeys(name for name in required if isinstance(name, str))
    return {**whole, "properties": properties, "required": list(names)}
