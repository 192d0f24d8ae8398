"""The create body as the target's schema describes it, and valid bodies of it."""

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError

from createflow.scenarios.bodies.example import example_of
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.location import Origins
from createflow.scenarios.target.representation import HEADER, WireFormat
from createflow.schemas.error import UserError
from createflow.schemas.profile_target import Errors, Target
from createflow.schemas.reading.bounded_file import read_bounded
from createflow.schemas.reading.bounded_json import Malformed, parse_json
from createflow.schemas.wire import wire_schema

_NONCE_BYTES = 8
_MOST_BYTES = 1024 * 1024
_MOST_PARTS = 100_000
_MOST_LEVELS = 64
"""The metaschema takes about ten levels of Python's stack for each level of a schema, which has 1,000."""
_MOST_TYPES = 20
_INSTANCES = frozenset({"const", "default", "enum", "example", "examples"})
"""Keywords whose values are no schemas."""
_LONGEST_TEXT = 5_000
_PLAIN_VALUES = 3
"""So many of the values below are such that every JSON store keeps them."""
_VALUES: tuple[dict[str, Any], ...] = (
    {"count": 3, "ratio": 0.5, "yes": True, "no": False},
    {"none": None, "list": [1, "a", None, True], "empty": {}},
    {"nested": {"a": {"b": [{"c": -7}]}}, "text": "0123"},
    {"large": 2**53 + 1, "largest": 2**63 - 1},
)
_NO_SCHEMA = "`target.schema_file` is not configured"


def nonce() -> str:
    """A unique word of letters and digits, so that search engines index it as one token."""
    return f"n{secrets.token_hex(_NONCE_BYTES)}"


class FieldNames:
    """The names of the fields of a representation. One that the target does not show raises NotDeclared."""

    def __init__(self, target: Target) -> None:
        self._fields = target.fields
        self.id = target.fields.id
        self.name = target.fields.name

    @property
    def created_at(self) -> str:
        """The time of creation."""
        place = self._fields.created_at
        if not place or place.lower() == f"{HEADER}date":
            raise NotDeclared("`target.fields.created_at` is not in the representation")
        return place

    @property
    def created_by(self) -> str:
        """The creator."""
        if not self._fields.created_by:
            raise NotDeclared("`target.fields.created_by` is not configured")
        return self._fields.created_by

    def declared(self) -> tuple[str, ...]:
        """The fields that the target shows: id and name, and creation time and creator where the profile names them."""
        shown = [self.id, self.name]
        for field in ("created_at", "created_by"):
            try:
                shown.append(getattr(self, field))
            except NotDeclared:
                continue
        return tuple(shown)


class Contract:
    """The schema of the create body, and how bodies are made.

    Raises:
        UserError: the schema or the body cannot be read, or a required field needs an example.
    """

    def __init__(self, target: Target) -> None:
        self.fields = FieldNames(target)
        self.wire_format = WireFormat(target)
        self.update = target.update
        self.delete = target.delete
        self.method = target.method
        self.media_type = target.media_type
        self.max_body_bytes = target.max_body_bytes
        self.errors: Errors = target.errors
        self.origins = _origins(target)
        self.idempotency_policy = target.idempotency_policy
        self.raw = _bytes(target.body_file)
        """The exact bytes of every create, where the profile gives them."""
        own_body = target.body is not None or self.raw is not None
        self.is_default = target.schema_file is None and not own_body
        """Body and representation have the schemas of the createflow write contract."""
        self.has_schema = target.schema_file is not None or self.is_default
        """Without a schema only one valid body is known."""
        self.schema = _schema(target) if self.has_schema else {}
        # ``true`` is a schema, which allows everything.
        self.properties: dict[str, Any] = {
            name: schema if isinstance(schema, dict) else {}
            for name, schema in self.schema.get("properties", {}).items()
        }
        self.is_closed = self.schema.get("additionalProperties") is False
        self._template = self._filled(target)
        limit = self.max_length(self.fields.name)
        if limit is not None and limit < _NONCE_BYTES:
            raise UserError(
                f"{target.schema_file}: {self.fields.name} allows only {limit} characters",
                hint="the tester needs 8 to distinguish its resources",
            )

    @property
    def required(self) -> list[str]:
        """The required fields. Raises NotDeclared without a schema."""
        if not self.has_schema:
            raise NotDeclared(_NO_SCHEMA)
        return list(self.schema.get("required", []))

    def max_length(self, name: str) -> int | None:
        """The maximum length of a field in code points, where the schema has one."""
        limit = self.properties.get(name, {}).get("maxLength")
        # 3.0 is an integer as well (JSON Schema Core 2020-12 §4.2.3).
        return int(limit) if isinstance(limit, (int, float)) else None

    def document(self, **changes: Any) -> dict[str, Any]:
        """A new valid body: its name, and its metadata where it has any, contain a new nonce."""
        body = dict(self._template)
        if self.raw is None:
            word = nonce()
            name = f"createflow {word}"
            limit = self.max_length(self.fields.name)
            body[self.fields.name] = name if limit is None or len(name) <= limit else word[:limit]
            if self._is_free_object("metadata"):
                body["metadata"] = {"createflow": word}
        return {**body, **changes}

    def varied(self, number: int) -> dict[str, Any]:
        """A new valid body whose values are of other types and lengths than those of the next numbers.

        What only our own contract promises (outer spaces, compatibility characters, integers beyond 2^53 stay as they
        are) is sent only where the target is declared to keep it.
        """
        body = self.document()
        if self.raw is not None or not self.has_schema:
            return body
        if self._is_free_object("metadata"):
            values = _VALUES[number % len(_VALUES)]
            if self.is_default or number % len(_VALUES) < _PLAIN_VALUES:
                body["metadata"] = {**body["metadata"], **values}
        for name, schema in self.properties.items():
            length = self.max_length(name)
            is_free = schema.get("type") == "string" and not {"pattern", "format", "enum", "const"} & set(schema)
            if name == self.fields.name or not is_free:
                continue
            if number % 3 == 1 and length is not None and length <= _LONGEST_TEXT:
                body[name] = (f"{nonce()} " * (length // 18 + 1))[: length - 1] + "."
            elif number % 3 == 2 and self.is_default:
                body[name] = f"  outer spaces, ﬁ and ① {nonce()}  "
        return body

    def name_in(self, body: Mapping[str, Any]) -> str:
        """The name in a body. Raises NotDeclared when it has none."""
        if self.fields.name not in body:
            raise NotDeclared(f"the body has no field {self.fields.name}, by which rows are found")
        return str(body[self.fields.name])

    def nonce_in(self, body: dict[str, Any]) -> str:
        """The nonce in the name of a body."""
        return self.name_in(body).split()[-1]

    def _is_free_object(self, name: str) -> bool:
        schema = self.properties.get(name, {})
        return schema.get("type") == "object" and not schema.get("required") and "properties" not in schema

    def _filled(self, target: Target) -> dict[str, Any]:
        if target.body is not None:
            return dict(target.body)
        if self.raw is not None:
            return _document(self.raw)
        examples = self.schema.get("examples")
        if examples and isinstance(examples[0], dict):
            return dict(examples[0])
        found = {name: example_of(schema) for name, schema in self.properties.items()}
        body = {name: value for name, value in found.items() if value is not None}
        missing = [name for name in self.required if name not in body and name != self.fields.name]
        if missing:
            raise UserError(
                f"{target.schema_file or 'the schema'}: no example is known for the required "
                f"field{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
                hint='add "examples": [ a whole valid body ] to the schema, or target.body to the profile',
            )
        return body


def _origins(target: Target) -> Origins:
    try:
        return Origins.of(target.base_url, target.location_origins)
    except ValueError as error:
        raise UserError(
            f"target.base_url or target.location_origins: {error}",
            hint="scheme, host and port: https://api.example.com:8443",
        ) from None


def _bytes(file: str | None) -> bytes | None:
    return read_bounded(Path(file), _MOST_BYTES) if file is not None else None


def _document(raw: bytes) -> dict[str, Any]:
    """The JSON object that the bytes are; empty when they are none, or one that is too large to look at."""
    try:
        document = parse_json(raw.decode("utf-8"), most_parts=_MOST_PARTS)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _schema(target: Target) -> dict[str, Any]:
    file = target.schema_file
    if file is None:
        return wire_schema("create_request")
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
    return document


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
