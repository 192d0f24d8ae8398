"""The body of a create as a document describes it: media type, schema, examples, and the envelope around it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from createflow.scenarios.openapi.references import Document, Resolver, target_of
from createflow.scenarios.openapi.union import alternatives, merged
from createflow.scenarios.openapi.values import as_list, as_object, names_of, types_of
from createflow.scenarios.text.json_pointer import value_at
from createflow.scenarios.text.json_schema import with_subschemas, without_read_only, without_read_only_values
from createflow.schemas.error import UserError
from createflow.schemas.profile_section import HeaderValue
from createflow.schemas.profile_target import FORM, MULTIPART

_LONGEST_NAME = 100
_MOST_CHARACTERS = 400_000
"""Of a schema with every reference written out; in a larger one what is deep stays a reference."""
_INLINE_LEVELS = 4
_MOST_EXAMPLES = 10
_ANY = "*/*"
BodyAs = Literal["json", "form", "multipart"]
_FORMS: Mapping[str, BodyAs] = {FORM: "form", MULTIPART: "multipart"}
_HEADER_VALUE: TypeAdapter[str] = TypeAdapter(HeaderValue)
_EXAMPLE = "x-createflow-example"
"""The example of a schema, until it is one of the body."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Body:
    """What a create takes. Schemas are JSON Schema 2020-12 of what a client may send, without outer references."""

    media_type: str
    """Of a JSON body; that of a form follows from ``body_as``."""
    whole: dict[str, Any] | None
    """Schema of the whole body; ``None`` where the document has none."""
    examples: tuple[Any, ...] = ()
    """Whole bodies."""
    pointer: str = ""
    """JSON Pointer to the representation inside the body; ``-`` in it is the one element of a list."""
    also: dict[str, Any] | None = None
    """What else the body has, where the document leaves one value only."""
    alternatives: tuple[dict[str, Any], ...] = ()
    """Schemas of the representation, each an object with properties: one, or one for each choice of a ``oneOf``. Empty
    where the representation is no object, or its schema cannot be told apart."""
    elsewhere: tuple[str, ...] = ()
    """References to other documents, which are not followed: anything is allowed there."""
    body_as: BodyAs = "json"

    @property
    def schema(self) -> dict[str, Any] | None:
        """The first schema of the representation."""
        return next(iter(self.alternatives), None)


def content_of(document: Document, operation: dict[str, Any]) -> dict[str, Any]:
    """The media types of an operation's body."""
    return as_object(as_object(target_of(document, operation.get("requestBody"))).get("content"))


def json_media_type(content: dict[str, Any]) -> str:
    """The media type of a JSON body, as a key of the content; empty when there is none. ``*/*`` allows JSON too."""
    types = [name for name in content if ("json" in name.lower() and _is_media_type(name)) or name == _ANY]
    plain = [name for name in types if name.partition(";")[0].strip().lower() == "application/json"]
    return next(iter([*plain, *types]), "")


def form_of(content: dict[str, Any]) -> tuple[str, BodyAs]:
    """The key of the first form in the content, and its kind; ``json`` where there is a JSON body or no form."""
    if not json_media_type(content):
        for name in content:
            kind = _FORMS.get(name.partition(";")[0].strip().lower())
            if kind is not None:
                return name, kind
    return "", "json"


def body_of(document: Document, operation: dict[str, Any]) -> Body:
    """The body of an operation.

    Raises:
        UserError: its schema is too large.
    """
    content = content_of(document, operation)
    name = json_media_type(content)
    form, body_as = form_of(content)
    media = as_object(content.get(name or form))
    shown, elsewhere = _resolved(document, media.get("schema", {}))
    examples = [without_read_only_values(shown, one) for one in _examples(document, media, shown)]
    definitions = {name: without_read_only(one) for name, one in as_object(shown.pop("$defs", {})).items()}
    made = as_object(without_read_only(shown))
    made.pop(_EXAMPLE, None)
    pointer, inner, also = _unwrapped(made) if body_as == "json" else ("", made, None)
    own = [one for example in examples if (one := _at(example, pointer)) is not None][:_MOST_EXAMPLES]

    def alone(schema: dict[str, Any], own: list[Any]) -> dict[str, Any]:
        given = [*own, *as_list(schema.get("examples"))][:_MOST_EXAMPLES]
        return {
            "$schema": _DIALECT,
            **schema,
            **({"examples": given} if given else {}),
            **({"$defs": definitions} if definitions else {}),
        }

    return Body(
        media_type="application/json" if name in {"", _ANY} else name,
        whole=alone(made, examples) if made else None,
        examples=tuple(examples),
        pointer=pointer,
        also=also,
        alternatives=tuple(alone(one, own) for one in alternatives(inner)),
        elsewhere=elsewhere,
        body_as=body_as,
    )


def _resolved(document: Document, schema: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The schema with what it refers to in ``$defs``, and its references to elsewhere."""
    try:
        made = _written(Resolver(document, keeps_recursion=True), schema)
        is_small = len(json.dumps(made[0])) <= _MOST_CHARACTERS
    except UserError:
        is_small = False
    return made if is_small else _written(Resolver(document, keeps_recursion=True, keeps_below=_INLINE_LEVELS), schema)


def _written(resolver: Resolver, schema: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    resolved = as_object(resolver.resolved(schema))
    definitions = {key: translated(one) for key, one in resolver.definitions.items()}
    example = {_EXAMPLE: resolved["example"]} if isinstance(resolved.get("example"), (dict, list)) else {}
    own = as_object(translated(resolved).get("$defs"))
    made = {**translated(resolved), **example, **({"$defs": {**own, **definitions}} if own or definitions else {})}
    return made, tuple(resolver.elsewhere)


def _examples(document: Document, media: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    """The media type's examples, named ones first (OpenAPI 3.1.0 §4.8.14), then that of the schema."""
    named = [as_object(target_of(document, one)).get("value") for one in as_object(media.get("examples")).values()]
    given = [*named, media.get("example"), schema.get(_EXAMPLE)]
    return [one for one in given if isinstance(one, (dict, list)) and _has_known_members(schema, one)][:_MOST_EXAMPLES]


def _has_known_members(schema: dict[str, Any], example: Any) -> bool:
    """Whether the schema names every member of an example: others are mistakes more often than not."""
    flat = alternatives(schema)
    names = {name for one in flat for name in as_object(one.get("properties"))}
    is_open = any(one.get("additionalProperties", False) is not False for one in [schema, *flat])
    return not flat or is_open or not isinstance(example, dict) or example.keys() <= names


def _unwrapped(schema: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    """Pointer to the representation, its schema, and what stands beside it: ``{"data": {"attributes": {...}}}``.

    An object is an envelope if all that it must have is one object and values that the document leaves no choice of.
    A list of objects holds one of them.
    """
    schema = merged(schema)
    if types_of(schema) == ["array"]:
        item = as_object(schema.get("items"))
        fits_one = schema.get("minItems", 0) in (0, 1) and schema.get("maxItems") != 0 and "prefixItems" not in schema
        return ("/-", merged(item), None) if fits_one and alternatives(item) else ("", schema, None)
    properties = as_object(schema.get("properties"))
    required = [name for name in names_of(schema.get("required")) if name in properties]
    if not required and len(properties) == 1:
        required = [*properties]  # a body without it would say nothing
    is_whole = len(names_of(schema.get("required"))) <= len(required)
    objects = [name for name in required if alternatives(as_object(properties[name]))]
    fixed = {name: value for name in required if (value := _only_value(as_object(properties[name]))) is not None}
    if not is_whole or len(objects) != 1 or set(required) != {*objects, *fixed} or _has_more(properties, required):
        return "", schema, None
    (name,) = objects
    pointer, inner, also = _unwrapped(as_object(properties[name]))
    beside = {**fixed, **({name: also} if also else {})}
    return f"/{name.replace('~', '~0').replace('/', '~1')}{pointer}", inner, beside or None


def _has_more(properties: dict[str, Any], required: list[Any]) -> bool:
    """Whether there are values of its own that a body may have beside: then it is no mere envelope."""
    rest = [merged(as_object(one)) for name, one in properties.items() if name not in required]
    return any(
        not as_object(one.get("properties")) and not {"array", "object"} & set(map(str, types_of(one))) for one in rest
    )


def _only_value(schema: dict[str, Any]) -> Any:
    values = as_list(schema.get("enum"))
    if "const" in schema:
        return schema["const"]
    return values[0] if len(values) == 1 and isinstance(values[0], (str, int, bool)) else None


def _at(example: Any, pointer: str) -> Any:
    example = value_at(example, pointer.replace("/-", "/0") if isinstance(example, list) else pointer)
    return example if isinstance(example, dict) else None


def _is_media_type(name: str) -> bool:
    try:
        _HEADER_VALUE.validate_python(name)
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
