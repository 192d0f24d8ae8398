"""Follows the references inside a document. References to other files and hosts are never followed."""

import re
from typing import Any
from urllib.parse import unquote

from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.error import UserError

MOST_PARTS = 200_000
MOST_CHARACTERS = 16 * 1024 * 1024
"""Of what references expand to."""
_DEEPEST = 40
"""Deeper parts are left out."""
_MOST_STEPS = 40
_LONGEST_REFERENCE = 1000
_LONGEST_NAME = 60
_MOST_KINDS = 12
_WITHOUT_MEANING = frozenset({"$ref", "description", "summary", "title", "$comment", "externalDocs"})
_SCHEMAS = "#/components/schemas"

Document = dict[str, Any]


def target_of(document: Document, value: Any) -> Any:
    """What a value refers to, through at most 40 references; the value itself when it is no reference.

    What the references inside it refer to is not looked at.
    """
    for _ in range(_MOST_STEPS):
        reference = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str):
            return value
        value = _inside(document, reference)
    return None


class Resolver:
    """Replaces references by what they refer to; those to elsewhere become ``{}``.

    Args:
        document: the whole.
        keeps_recursion: a reference inside what it refers to stays one, to a key of ``definitions``; otherwise it
            becomes ``{}``.
        keeps_below: references deeper than this stay, too, so that what is named often is written once; without
            ``keeps_recursion`` they become ``{}``.
        most_parts: of all that it makes together.

    Attributes:
        elsewhere: the references to other documents that were found, in order.
        definitions: what references that were kept refer to, for ``$defs``.
    """

    def __init__(
        self,
        document: Document,
        *,
        keeps_recursion: bool = False,
        keeps_below: int | None = None,
        most_parts: int = MOST_PARTS,
    ) -> None:
        self._document = document
        self._keeps_recursion = keeps_recursion
        self._keeps_below = keeps_below
        self._waiting: list[str] = []
        self._is_old = str(document.get("openapi")).startswith("3.0")
        self._names: dict[str, str] = {}
        self.definitions: dict[str, Any] = {}
        self._most_parts = self._parts_left = most_parts
        self._characters_left = MOST_CHARACTERS
        self.elsewhere: dict[str, None] = {}

    def resolved(self, value: Any) -> Any:
        """The value without references.

        Raises:
            UserError: the result is too large.
        """
        made = self._resolved(value, 0, frozenset())
        while self._waiting:
            reference = self._waiting.pop()
            found = _inside(self._document, reference) or {}
            depth = self._keeps_below or 0
            self.definitions[self._names[reference]] = self._resolved(found, depth, frozenset({reference}))
        return made

    def _resolved(self, value: Any, depth: int, inside: frozenset[str]) -> Any:
        self._count(value)
        if not isinstance(value, (dict, list)):
            return value
        if depth > _DEEPEST:
            return type(value)()
        if isinstance(value, list):
            return [self._resolved(item, depth + 1, inside) for item in value]
        reference = value.get("$ref")
        if not isinstance(reference, str):
            return self._object(value, depth, inside)
        found = self._target(reference, depth, inside)
        beside = {key: item for key, item in value.items() if key not in _WITHOUT_MEANING}
        if not beside or self._is_old or not isinstance(found, dict):
            return found
        # OpenAPI 3.1.0 §4.8.24.1: what stands beside the reference of a schema counts, too.
        beside = self._object(beside, depth + 1, inside)
        return {**found, **beside} if not found.keys() & beside.keys() else {"allOf": [found, beside]}

    def _target(self, reference: str, depth: int, inside: frozenset[str]) -> Any:
        """What a reference becomes."""
        if not reference.startswith("#"):
            self.elsewhere[reference] = None
        if reference in inside:
            return self._kept(reference) if self._keeps_recursion else {}
        if self._keeps_below is not None and depth > self._keeps_below and reference.startswith("#"):
            return self._kept(reference) if self._keeps_recursion else {}
        return self._resolved(_inside(self._document, reference) or {}, depth + 1, inside | {reference})

    def _object(self, value: dict[str, Any], depth: int, inside: frozenset[str]) -> dict[str, Any]:
        """An object that is no reference."""
        kinds = {} if _mark(value) in inside else self._kinds_of(value)
        if kinds:
            # Each kind includes this schema, which is not taken for its kinds again.
            within = {_mark(value), *(one for one in inside if _inside(self._document, one) is not value)}
            options = [{"$ref": reference} for reference in kinds]
            value = {**value, "oneOf": options, "discriminator": {**value["discriminator"], "mapping": _by_name(kinds)}}
            inside = frozenset(within)
        if isinstance(value.get("allOf"), list):
            value, inside = self._as_a_kind(value, inside)
        whole = {key: self._resolved(item, depth + 1, inside) for key, item in value.items()}
        return _discriminated(whole, value)

    def _kinds_of(self, value: dict[str, Any]) -> dict[str, str]:
        """The schemas that extend this one by ``allOf``, with the value of the discriminator that names each.

        OpenAPI 3.1.0 §4.8.25: the discriminator then stands in the schema that the others include.
        """
        discriminator = value.get("discriminator")
        if not isinstance(discriminator, dict) or {"oneOf", "anyOf"} & value.keys():
            return {}
        mapping = discriminator.get("mapping")
        if isinstance(mapping, dict):
            return {_reference(target): str(name) for name, target in [*mapping.items()][:_MOST_KINDS]}
        schemas = value_at(self._document, _SCHEMAS[1:])
        return {
            f"{_SCHEMAS}/{_escaped(name)}": name
            for name, one in (schemas.items() if isinstance(schemas, dict) else ())
            if self._includes(one, value)
        }

    def _as_a_kind(self, value: dict[str, Any], inside: frozenset[str]) -> tuple[dict[str, Any], frozenset[str]]:
        """A schema that may extend one with a discriminator: then it has the value that names it, and no other kind."""
        named = []
        for part in value["allOf"]:
            base = target_of(self._document, part)
            if not isinstance(base, dict) or not isinstance(base.get("discriminator"), dict):
                continue
            own = [name for reference, name in self._kinds_of(base).items() if self._is(reference, value)]
            named += [_const(base["discriminator"].get("propertyName"), name) for name in own[:1]]
            inside |= {_mark(base)}
        return ({**value, "allOf": [*value["allOf"], *named]} if named else value), inside

    def _is(self, reference: str, value: dict[str, Any]) -> bool:
        return _inside(self._document, reference) is value

    def _includes(self, schema: Any, base: dict[str, Any]) -> bool:
        parts = schema.get("allOf") if isinstance(schema, dict) else None
        return isinstance(parts, list) and any(
            isinstance(part, dict)
            and isinstance(part.get("$ref"), str)
            and _inside(self._document, part["$ref"]) is base
            for part in parts
        )

    def _kept(self, reference: str) -> dict[str, str]:
        """A reference to a definition, which is made when all else is."""
        if reference not in self._names:
            name = f"{reference.rpartition('/')[2][:_LONGEST_NAME]}_{len(self._names)}"
            self._names[reference] = re.sub(r"[^\w.-]", "_", name)
            self._waiting.append(reference)
        return {"$ref": f"#/$defs/{self._names[reference]}"}

    def _count(self, value: Any) -> None:
        self._parts_left -= 1
        self._characters_left -= len(value) if isinstance(value, str) else 0
        if isinstance(value, dict):
            self._characters_left -= sum(map(len, value))
        if self._parts_left < 0:
            raise UserError(f"the document's references expand to more than {self._most_parts} parts")
        if self._characters_left < 0:
            raise UserError(f"the document's references expand to more than {MOST_CHARACTERS} characters")


def _mark(value: dict[str, Any]) -> str:
    """Among the references that are being followed: the kinds of this schema are."""
    return f"kinds of {id(value)}"


def _const(name: Any, value: str) -> dict[str, Any]:
    return {"properties": {str(name): {"const": value}}, "required": [str(name)]}


def _by_name(kinds: dict[str, str]) -> dict[str, str]:
    return {name: reference for reference, name in kinds.items()}


def _reference(target: Any) -> str:
    """A value of a mapping: a reference, or the name of a schema."""
    text = str(target)
    return text if "/" in text or "#" in text or text.endswith((".json", ".yaml", ".yml")) else f"{_SCHEMAS}/{text}"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _inside(document: Document, reference: str) -> Any:
    if not reference.startswith("#/") or len(reference) > _LONGEST_REFERENCE:
        return None
    found = value_at(document, reference[1:])
    # RFC 6901 §6: in a URI a pointer is percent-encoded.
    return value_at(document, unquote(reference[1:])) if found is None and "%" in reference else found


def _discriminated(whole: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """Each option of a ``oneOf`` with the value of the discriminator that names it (OpenAPI 3.1.0 §4.8.25)."""
    discriminator = written.get("discriminator")
    name = discriminator.get("propertyName") if isinstance(discriminator, dict) else None
    if not isinstance(name, str):
        return whole
    mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
    names = (
        {target: key for key, target in mapping.items() if isinstance(target, str)} if isinstance(mapping, dict) else {}
    )
    for keyword in ("oneOf", "anyOf"):
        options = written.get(keyword)
        if not isinstance(options, list) or len(options) != len(whole[keyword]):
            continue
        whole[keyword] = [
            {"allOf": [made, _const(name, value)]} if (value := _value_of(option, names)) else made
            for option, made in zip(options, whole[keyword], strict=True)
        ]
    return whole


def _value_of(option: Any, names: dict[str, str]) -> str:
    reference = option.get("$ref") if isinstance(option, dict) else None
    if not isinstance(reference, str):
        return ""
    last = reference.rpartition("/")[2]
    return names.get(reference) or names.get(last) or last
