"""Reads the file with the schema of the create body. It may come from anybody."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError

from createflow.scenarios.text.json_schema import with_written_properties, without_read_only
from createflow.schemas.error import UserError
from createflow.schemas.reading.bounded_file import read_bounded
from createflow.schemas.reading.bounded_json import Malformed, parse_json

_MOST_BYTES = 1024 * 1024
_MOST_PARTS = 100_000
_MOST_LEVELS = 64
"""The metaschema takes about ten levels of Python's stack for each level of a schema, which has 1,000."""
_MOST_TYPES = 20
_OF_NUMBERS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "default", "const", "example"}
)
_INSTANCES = frozenset({"const", "default", "enum", "example", "examples"})
"""Keywords whose values are no schemas."""


def read_schema(file: str) -> dict[str, Any]:
    """The schema of what a client may send: read-only properties are left out.

    Raises:
        UserError: it cannot be read, is no JSON Schema 2020-12, or refers to other documents.
    """
    document = _read_schema(file)
    try:
        # Formats are not looked at: "regex" would compile every pattern here, which can take any time. Patterns are
        # compiled and used in a process of their own (bodies/bounded.py).
        Draft202012Validator.check_schema(document, format_checker=FormatChecker(()))
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path))
        raise UserError(f"{file}: not a JSON Schema: {error.message[:200]} at /{place[:200]}") from None
    if foreign := _foreign_reference(document):
        raise UserError(
            f"{file}: $ref {foreign[:200]!r} is not in the document, and nothing is fetched",
            hint="copy what it names into $defs, and write #/$defs/NAME",
        )
    for part in _objects_in(document):
        _write_integers(part)
    return with_written_properties(without_read_only(document))


def _write_integers(schema: dict[str, Any]) -> None:
    """Write what an integer is compared with as integers: bodies are made of it.

    FastAPI, for one, writes bounds as 0.0. That is an integer (JSON Schema Core 2020-12 §4.2.3), but many parsers
    refuse 0.0 where they read an integer.
    """
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "integer" not in kinds or "number" in kinds:
        return
    for key in schema.keys() & _OF_NUMBERS:
        schema[key] = _integer(schema[key])
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list):
            schema[key] = [_integer(value) for value in schema[key]]


def _integer(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read_schema(file: str) -> dict[str, Any]:
    """The document of a file, which is an object with properties, and small enough to be looked at."""
    try:
        raw = read_bounded(Path(file), _MOST_BYTES).decode("utf-8-sig")
        document = parse_json(raw, most_parts=_MOST_PARTS, most_levels=_MOST_LEVELS)
    except UnicodeDecodeError:
        raise UserError(f"{file}: not a readable JSON Schema: not UTF-8 text") from None
    except Malformed as error:
        raise UserError(f"{file}: not a readable JSON Schema: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("properties"), dict):
        raise UserError(
            f"{file}: not a JSON Schema of an object with properties",
            hint='it begins with "type": "object" and has "properties"',
        )
    if any(len(part["type"]) > _MOST_TYPES for part in _objects_in(document) if isinstance(part.get("type"), list)):
        # jsonschema compares each entry with all others, and JSON Schema has seven types.
        raise UserError(f"{file}: not a JSON Schema: a type with more than {_MOST_TYPES} names")
    return document


def _objects_in(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in a schema, except in examples and other values that are no schemas."""
    rest = [document]
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            yield part
            rest += [value for key, value in part.items() if key not in _INSTANCES or isinstance(value, dict)]
        elif isinstance(part, list):
            rest += part


def _foreign_reference(document: dict[str, Any]) -> str:
    """The first ``$ref`` or ``$dynamicRef`` that names another document; empty if there is none."""
    own, references = {""}, list[str]()
    for part in _objects_in(document):
        for key in ("$id", "$ref", "$dynamicRef"):
            found = part.get(key)
            if isinstance(found, str):
                name = found.partition("#")[0]
                own.add(name) if key == "$id" else references.append(name)
    return next((name for name in references if name not in own), "")
