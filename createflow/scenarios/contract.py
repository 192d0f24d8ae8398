"""The create body as the target's schema describes it: what is valid, what is bounded, how to fill it."""

import json
import secrets
from pathlib import Path
from typing import Any

from createflow.schemas.error import UserError
from createflow.schemas.profile import Fields, Target
from createflow.schemas.wire import wire_schema

_NONCE_BYTES = 8


def nonce() -> str:
    """A word that occurs nowhere else; letters and digits only, so that search engines keep it whole."""
    return f"n{secrets.token_hex(_NONCE_BYTES)}"


class Contract:
    """What the target promises about the body of a create.

    Raises:
        UserError: the schema cannot be read, or has a required field that cannot be filled without an example.
    """

    def __init__(self, target: Target) -> None:
        self.fields: Fields = target.fields
        self.update = target.update
        self.max_body_bytes = target.max_body_bytes
        self.is_seed = target.schema_file is None
        """The seed's own schemas hold for body and representation."""
        self.schema = wire_schema("create_request") if target.schema_file is None else _read(target.schema_file)
        self.properties: dict[str, Any] = self.schema.get("properties", {})
        self.required: list[str] = list(self.schema.get("required", []))
        self.closed = self.schema.get("additionalProperties") is False
        self._template = self._filled(target.schema_file or "the schema")
        limit = self.max_length(self.fields.name)
        if limit is not None and limit < _NONCE_BYTES:
            raise UserError(
                f"{target.schema_file}: {self.fields.name} has room for {limit} characters only",
                hint="the tester needs 8 to tell its resources apart",
            )

    def max_length(self, name: str) -> int | None:
        """The most code points that a field may have, when the schema says."""
        limit = self.properties.get(name, {}).get("maxLength")
        return limit if isinstance(limit, int) else None

    def document(self, **changes: Any) -> dict[str, Any]:
        """A valid body of its own: the name, and the metadata when there is one, carry a fresh nonce."""
        word = nonce()
        body = dict(self._template)
        name = f"createflow {word}"
        limit = self.max_length(self.fields.name)
        body[self.fields.name] = name if limit is None or len(name) <= limit else word[:limit]
        if self._is_free_object("metadata"):
            body["metadata"] = {"createflow": word}
        return {**body, **changes}

    def name_in(self, body: dict[str, Any]) -> str:
        """The name that a body carries."""
        return str(body[self.fields.name])

    def word_in(self, body: dict[str, Any]) -> str:
        """The nonce that a body's name carries."""
        return self.name_in(body).split()[-1]

    def _is_free_object(self, name: str) -> bool:
        schema = self.properties.get(name, {})
        return schema.get("type") == "object" and not schema.get("required") and "properties" not in schema

    def _filled(self, where: str) -> dict[str, Any]:
        examples = self.schema.get("examples")
        if examples and isinstance(examples[0], dict):
            return dict(examples[0])
        body: dict[str, Any] = {}
        for name, schema in self.properties.items():
            value = _example(schema)
            if value is not None:
                body[name] = value
        missing = [name for name in self.required if name not in body and name != self.fields.name]
        if missing:
            raise UserError(
                f"{where}: no value can be made up for the required field{'s' if len(missing) > 1 else ''} "
                f"{', '.join(missing)}",
                hint='give the schema "examples": [ a whole valid body ]',
            )
        return body


def _read(file: str) -> dict[str, Any]:
    try:
        document = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: not a readable JSON Schema: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("properties"), dict):
        raise UserError(f"{file}: not a JSON Schema of an object with properties")
    return document


def _example(schema: dict[str, Any]) -> Any:
    """A valid value of a simple schema, or ``None`` when it takes an example to know one."""
    if "const" in schema:
        return schema["const"]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    match schema.get("type"):
        case "string" if "pattern" not in schema and "format" not in schema:
            least, most = schema.get("minLength", 0), schema.get("maxLength", 200)
            return "made by a createflow run".ljust(least, ".")[: max(most, 0)]
        case "integer" | "number":
            return schema.get("minimum", min(1, schema.get("maximum", 1)))
        case "boolean":
            return False
        case _:
            return schema.get("default")
