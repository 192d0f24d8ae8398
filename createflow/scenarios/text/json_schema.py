"""Changes JSON Schemas, the schemas inside them included, and nothing that only looks like one.

A property may be called ``default`` or ``example``, and a ``const`` may look like a schema: only keywords of JSON
Schema 2020-12 that hold schemas lead inside.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from createflow.scenarios.text.json_equality import OpenObject
from createflow.scenarios.text.json_pointer import value_at

_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_IN_A_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_ALONE = frozenset({
    "items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties",
    "not", "if", "then", "else", "contentSchema",
})  # fmt: skip
_MOST_WRITTEN = 500
"""References of properties that are followed in one schema."""
_DEEPEST_WRITTEN = 4
_OF_THE_SAME_VALUE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else"})

Change = Callable[[str, Any], Any]
"""Takes the keyword that holds a schema, and the schema."""


def with_subschemas(schema: dict[str, Any], change: Change) -> dict[str, Any]:
    """The schema with each schema that it holds changed. What is not as it should be stays as it is."""
    return {keyword: _changed(keyword, value, change) for keyword, value in schema.items()}


def _changed(keyword: str, value: Any, change: Change) -> Any:
    if keyword in _BY_NAME and isinstance(value, dict):
        return {name: change(keyword, one) for name, one in value.items()}
    if keyword in _IN_A_LIST and isinstance(value, list):
        return [change(keyword, one) for one in value]
    return change(keyword, value) if keyword in _ALONE else value


def without_read_only(schema: Any, dropped: frozenset[str] = frozenset()) -> Any:
    """The schema without read-only properties, at every depth, and without the demand for them.

    JSON Schema Validation 2020-12 §9.4: a server may ignore or refuse a value of a read-only property.

    Args:
        schema: of what a client sends.
        dropped: the read-only properties of the value that the schema is a part of the rules for.
    """
    if not isinstance(schema, dict):
        return schema
    dropped |= _read_only_in(schema)

    def inside(keyword: str, one: Any) -> Any:
        return without_read_only(one, dropped if keyword in _OF_THE_SAME_VALUE else frozenset())

    made = with_subschemas(schema, inside)
    for keyword, value in made.items():
        if keyword == "properties" and isinstance(value, dict):
            made[keyword] = _without(value, dropped)
        elif keyword == "required" and isinstance(value, list):
            made[keyword] = [name for name in value if not isinstance(name, str) or name not in dropped]
        elif keyword == "examples" and isinstance(value, list):
            made[keyword] = [_without(one, dropped) for one in value]
    return made


def with_written_properties(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what its properties refer to in their places, as deep as a body is looked at.

    A reference that leads back to itself, and what is deeper or beyond a limit, stays a reference.
    """
    left = [_MOST_WRITTEN]
    return _written(schema, schema, frozenset(), left)


def _written(schema: dict[str, Any], root: Any, inside: frozenset[str], left: list[int]) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or len(inside) > _DEEPEST_WRITTEN:
        return schema
    made = {}
    for name, one in properties.items():
        reference = one.get("$ref") if isinstance(one, dict) else None
        within = inside
        written = one
        if isinstance(reference, str) and reference.startswith("#") and reference not in inside and left[0] > 0:
            found = value_at(root, unquote(reference[1:]))
            if isinstance(found, dict) and "$ref" not in found:
                left[0] -= 1
                within = inside | {reference}
                written = {**found, **{key: value for key, value in one.items() if key != "$ref"}}
        made[name] = _written(written, root, within, left) if isinstance(written, dict) else written
    return {**schema, "properties": made}


def without_write_only(schema: Any, value: Any) -> Any:
    """The value without what a server does not show: its write-only properties, at every depth.

    JSON Schema Validation 2020-12 §9.4: the value of such a property is never in what is read.

    Args:
        schema: of the value as a client sends it.
        value: as it was sent.
    """
    return _unmarked(schema, value, schema, "writeOnly")


def without_read_only_values(schema: Any, value: Any) -> Any:
    """The value without what only a server writes: its read-only properties, at every depth.

    Args:
        schema: of the value as a server shows it.
        value: as a server shows it.
    """
    return _unmarked(schema, value, schema, "readOnly")


def _unmarked(schema: Any, value: Any, root: Any, mark: str) -> Any:
    for part in _parts_for(schema, root):
        if isinstance(value, dict):
            named = part.get("properties")
            schemas = named if isinstance(named, dict) else {}
            others = part.get("additionalProperties")
            value = {
                name: _unmarked(schemas.get(name, others), one, root, mark)
                for name, one in value.items()
                if not (name in schemas and _is_marked(schemas[name], root, mark))
            }
        elif isinstance(value, list) and isinstance(one_of_them := part.get("items"), dict):
            value = [_unmarked(one_of_them, one, root, mark) for one in value]
    return value


def _is_marked(schema: Any, root: Any, mark: str) -> bool:
    return any(part.get(mark) is True for part in _parts_for(schema, root))


def opened(schema: Any, value: Any, root: Any = None) -> Any:
    """The value with each object in it open to which a server may add members.

    An object whose schema names no property is a map of the client's, and stays as it is. All others may get members
    of the server's own: the schema of what is sent says nothing about what is shown.

    Args:
        schema: of the value as a client sends it; ``{}`` or ``True`` allows anything. ``None``: nothing is known of it.
        value: as it was sent.
        root: where the references of the schema begin; the schema itself unless given.
    """
    root = schema if root is None else root
    parts = _parts_for(schema, root)
    if isinstance(value, list):
        items: Any = next(
            (part["items"] for part in parts if "items" in part), None if _is_unknown(schema, parts) else {}
        )
        return [opened(items, one, root) for one in value]
    if not isinstance(value, dict):
        return value
    is_map = not any(map(_properties, parts)) and not _is_unknown(schema, parts)
    members = {name: opened(schema_of_member(schema, name, root), one, root) for name, one in value.items()}
    return members if is_map else OpenObject(members)


def schema_of_member(schema: Any, name: str, root: Any) -> Any:
    """The schema of a member of an object; ``None`` where the schema of the object does not name it."""
    if schema is True:
        return True
    parts = _parts_for(schema, root)
    found = next((named[name] for part in parts if name in (named := _properties(part))), None)
    if found is not None or not parts or any(_properties(part) for part in parts) or _is_unknown(schema, parts):
        return found
    return next((part["additionalProperties"] for part in parts if "additionalProperties" in part), {})


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _is_unknown(schema: Any, parts: list[dict[str, Any]]) -> bool:
    """Whether there is no schema, or only a reference that leads nowhere."""
    return schema is None or (bool(parts) and all("$ref" in part for part in parts))


def _parts_for(schema: Any, root: Any) -> list[dict[str, Any]]:
    """The schema and those that judge the same value: of allOf, anyOf and oneOf, and where references lead.

    Each is in the list once: references may lead in a circle.
    """
    found: dict[int, dict[str, Any]] = {}
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict) or id(part) in found:
            continue
        found[id(part)] = part
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            waiting.append(value_at(root, unquote(reference[1:])))
        for keyword in ("allOf", "anyOf", "oneOf"):
            several = part.get(keyword)
            waiting += several if isinstance(several, list) else ()
    return [*found.values()]


def _without(value: Any, names: frozenset[str]) -> Any:
    return {name: one for name, one in value.items() if name not in names} if isinstance(value, dict) else value


def _read_only_in(schema: dict[str, Any]) -> frozenset[str]:
    """The read-only properties that this schema and the parts of its ``allOf`` name."""
    properties = schema.get("properties")
    named = properties.items() if isinstance(properties, dict) else ()
    found = {name for name, one in named if isinstance(one, dict) and _is_read_only(one)}
    return frozenset(found).union(*map(_read_only_in, _all_of(schema)))


def _is_read_only(schema: dict[str, Any]) -> bool:
    return any(part.get("readOnly") is True for part in (schema, *_all_of(schema)))


def _all_of(schema: Any) -> list[dict[str, Any]]:
    parts = schema.get("allOf") if isinstance(schema, dict) else None
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
