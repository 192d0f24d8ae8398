"""Making up a value that a simple JSON Schema allows."""

from typing import Any

_FORMATS = {
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00Z",
    "email": "createflow@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def example(schema: dict[str, Any]) -> Any:
    """A valid value of a simple schema, or ``None`` when it takes an example to know one."""
    if "const" in schema:
        return schema["const"]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    made: Any = schema.get("default")
    kind = schema.get("type")
    match next((name for name in kind if name != "null"), None) if isinstance(kind, list) else kind:
        case "string" if "pattern" not in schema:
            made = _text(schema)
        case "integer" | "number":
            made = schema.get("minimum", min(1, schema.get("maximum", 1)))
        case "boolean":
            made = False
        case "array" if not schema.get("minItems"):
            made = []
    return made


def _text(schema: dict[str, Any]) -> Any:
    if "format" in schema:
        return _FORMATS.get(schema["format"], schema.get("default"))
    least, most = schema.get("minLength", 0), schema.get("maxLength", 200)
    return "made by a createflow run".ljust(least, ".")[: max(most, 0)]
