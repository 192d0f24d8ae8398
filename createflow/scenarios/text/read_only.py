"""The part of a schema that a client may send: without what only the server sets."""

from typing import Any

_VALUES = frozenset({"const", "default", "enum", "example", "examples"})
"""Keywords whose values are no schemas."""


def without_read_only(schema: Any) -> Any:
    """The schema without read-only properties, at every depth, and without the demand for them.

    JSON Schema Validation 2020-12 §9.4: a server may ignore or refuse a value of a read-only property.
    """
    return _without(schema, frozenset())


def _without(schema: Any, dropped: frozenset[str]) -> Any:
    """Args: dropped: the read-only properties of the object that this is a part of."""
    if not isinstance(schema, dict):
        return schema
    dropped |= _read_only_in(schema)
    made = {}
    for key, value in schema.items():
        if key in {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}:
            made[key] = _each(value, dropped if key == "properties" else frozenset())
        elif key == "required" and isinstance(value, list):
            made[key] = [name for name in value if not isinstance(name, str) or name not in dropped]
        elif key in {"allOf", "anyOf", "oneOf"} and isinstance(value, list):
            made[key] = [_without(one, dropped) for one in value]
        elif key in {"if", "then", "else", "not"}:
            made[key] = _without(value, dropped)
        elif key == "prefixItems" and isinstance(value, list):
            made[key] = [_without(one, frozenset()) for one in value]
        else:
            made[key] = value if key in _VALUES else _without(value, frozenset())
    if dropped and isinstance(made.get("examples"), list):
        made["examples"] = [
            {name: value for name, value in one.items() if name not in dropped} if isinstance(one, dict) else one
            for one in made["examples"]
        ]
    return made


def _each(schemas: Any, dropped: frozenset[str]) -> Any:
    if not isinstance(schemas, dict):
        return schemas
    return {name: _without(one, frozenset()) for name, one in schemas.items() if name not in dropped}


def _read_only_in(schema: dict[str, Any]) -> frozenset[str]:
    """The read-only properties that this object and the parts of its ``allOf`` name."""
    properties = schema.get("properties")
    found = {
        name
        for name, one in (properties.items() if isinstance(properties, dict) else ())
        if isinstance(one, dict) and _is_read_only(one)
    }
    parts = schema.get("allOf")
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict):
            found |= _read_only_in(part)
    return frozenset(found)


def _is_read_only(schema: dict[str, Any]) -> bool:
    parts = schema.get("allOf")
    return schema.get("readOnly") is True or (
        isinstance(parts, list) and any(isinstance(part, dict) and part.get("readOnly") is True for part in parts)
    )
