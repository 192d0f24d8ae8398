"""Follows the references inside a document. References to other files and hosts are never followed."""

from typing import Any

from createflow.scenarios.openapi.parsing import MOST_CHARACTERS, MOST_PARTS
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.error import UserError

_DEEPEST = 40
"""Deeper parts are left out."""
_MOST_STEPS = 40
_LONGEST_REFERENCE = 1000

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
    """Replaces references by what they refer to; recursive ones, and those to elsewhere, become ``{}``.

    Attributes:
        elsewhere: the references to other documents that were found, in order.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._parts_left = MOST_PARTS
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
            found = None if reference in inside else _inside(self._document, reference)
            return self._resolved(found or {}, depth + 1, inside | {reference})
        return {key: self._resolved(item, depth + 1, inside) for key, item in value.items()}

    def _count(self, value: Any) -> None:
        self._parts_left -= 1
        self._characters_left -= len(value) if isinstance(value, str) else 0
        if isinstance(value, dict):
            self._characters_left -= sum(map(len, value))
        if self._parts_left < 0:
            raise UserError(f"the document's references expand to more than {MOST_PARTS} parts")
        if self._characters_left < 0:
            raise UserError(f"the document's references expand to more than {MOST_CHARACTERS} characters")


def _inside(document: Document, reference: str) -> Any:
    if not reference.startswith("#/") or len(reference) > _LONGEST_REFERENCE:
        return None
    return value_at(document, reference[1:])
