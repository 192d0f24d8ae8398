"""One valid value of a schema, made in the tester's own process: quickly, and of bounded size."""

from typing import Any

LONGEST_TEXT = 4096
"""No longer text is made because a schema asks for it."""

_EXAMPLES_OF_FORMATS = {
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00Z",
    "email": "createflow@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "byte": "Y3JlYXRlZmxvdw==",
    "duration": "P1D",
    "hostname": "createflow.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "00:00:00Z",
    "url": "https://example.com/",
}
_HINTS = frozenset({"password", "binary", "text", "string", "html", "markdown", "multiline", "name", "id"})
"""Formats that only say how to show a text."""


_DEEPEST = 8
_MOST_ITEMS = 5


def example_of(schema: dict[str, Any], depth: int = 0) -> Any:
    """A valid value of a simple schema; ``None`` when only an example in the schema could tell one."""
    if "const" in schema:
        return schema["const"]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    made: Any = schema.get("default")
    kind = schema.get("type")
    match next((name for name in kind if name != "null"), None) if isinstance(kind, list) else kind:
        case "string" if "pattern" not in schema:
            made = _example_text(schema)
        case "integer" | "number":
            made = schema.get("minimum", min(1, schema.get("maximum", 1)))
        case "boolean":
            made = False
        case "array" if not schema.get("minItems"):
            made = []
        case "array" if depth < _DEEPEST and not schema.get("uniqueItems"):
            made = _example_list(schema, depth + 1)
        case "object" if depth < _DEEPEST:
            made = _example_object(schema, depth + 1)
    return made


def _example_list(schema: dict[str, Any], depth: int) -> Any:
    items, count = schema.get("items"), int(schema["minItems"])
    item = example_of(items, depth) if isinstance(items, dict) and "prefixItems" not in schema else None
    return None if item is None or count > _MOST_ITEMS else [item] * count


def _example_object(schema: dict[str, Any], depth: int) -> Any:
    """With its required properties only."""
    properties = schema.get("properties")
    required = schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list) or not required:
        return None
    made = {
        name: example_of(one, depth) if isinstance(one := properties.get(name), dict) else None for name in required
    }
    return None if None in made.values() else made


def _example_text(schema: dict[str, Any]) -> Any:
    if "format" in schema and schema["format"] not in _HINTS:
        return _EXAMPLES_OF_FORMATS.get(schema["format"], schema.get("default"))
    # 3.0 is an integer as well (JSON Schema Core 2020-12 §4.2.3).
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 200))
    if least > LONGEST_TEXT:
        return None
    return "made by a createflow run".ljust(least, ".")[:most]
