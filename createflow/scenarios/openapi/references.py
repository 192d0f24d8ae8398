"""Follows the references inside a document. References to other files and hosts are never followed."""

import re
from typing import Any

from createflow.scenarios.openapi.parsing import MOST_CHARACTERS, MOST_PARTS
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.error import UserError

_DEEPEST = 40
"""Deeper parts are left out."""
_MOST_STEPS = 40
_LONGEST_REFERENCE = 1000
_LONGEST_NAME = 60

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
        most_parts: of all that it makes together.

    Attributes:
        elsewhere: the references to other documents that were found, in order.
        definitions: what references that were kept refer to, for ``$defs``.
    """

    def __init__(self, document: Document, *, keeps_recursion: bool = False, most_parts: int = MOST_PARTS) -> None:
        self._document = document
        self._keeps_recursion = keeps_recursion
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
        return self._resolved(value, 0, frozenset())

    def _resolved(self, value: Any, depth: int, inside: frozenset[str]) -> Any:
        self._count(value)
        if not isinstance(value, (dict, list)):
            return value
        if depth > _DEEPEST:
            return type(value)()
        if isinstance(value, list):
            return [self._resolved(item, depth + 1, inside) for item in value]
        reference = value.get("$ref")
        if isinstance(reference, str):
            if not reference.startswith("#"):
                self.elsewhere[reference] = None
            if reference in inside:
                return self._kept(reference) if self._keeps_recursion else {}
            found = _inside(self._document, reference)
            return self._resolved(found or {}, depth + 1, inside | {reference})
        whole = {key: self._resolved(item, depth + 1, inside) for key, item in value.items()}
        return _discriminated(whole, value)

    def _kept(self, reference: str) -> dict[str, str]:
        """A reference to a definition, which is made when it is needed first."""
        if reference not in self._names:
            name = f"{reference.rpartition('/')[2][:_LONGEST_NAME]}_{len(self._names)}"
            self._names[reference] = re.sub(r"[^\w.-]", "_", name)
            found = _inside(self._document, reference) or {}
            self.definitions[self._names[reference]] = self._resolved(found, 0, frozenset({reference}))
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


def _inside(document: Document, reference: str) -> Any:
    if not reference.startswith("#/") or len(reference) > _LONGEST_REFERENCE:
        return None
    return value_at(document, reference[1:])


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
            {"allOf": [made, {"properties": {name: {"const": value}}, "required": [name]}]}
            if (value := _value_of(option, names))
            else made
            for option, made in zip(options, whole[keyword], strict=True)
        ]
    return whole


def _value_of(option: Any, names: dict[str, str]) -> str:
    reference = option.get("$ref") if isinstance(option, dict) else None
    if not isinstance(reference, str):
        return ""
    last = reference.rpartition("/")[2]
    return names.get(reference) or names.get(last) or last
