"""Values of a document, which are often not what OpenAPI says that they are."""

from typing import Any


def as_object(value: Any) -> dict[str, Any]:
    """The value, or an empty object when it is not one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value, or an empty list when it is not one."""
    return value if isinstance(value, list) else []


def names_of(value: Any) -> list[str]:
    """The texts of a list, each once."""
    return list(dict.fromkeys(name for name in as_list(value) if isinstance(name, str)))


def types_of(schema: dict[str, Any]) -> list[Any]:
    """The types that a schema allows by ``type``."""
    kind = schema.get("type")
    return kind if isinstance(kind, list) else [kind]
