"""Mapping: where a document of a store has what a representation has, and what to say when it is not there."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.sink import Row
from createflow.scenarios.text.json_pointer import has_value_at, value_at
from createflow.scenarios.text.printable import cut

_MOST_PLACES = 200
_MOST_DEPTH = 6
_SHOWN_CHARACTERS = 120


class WrongMapping(Inconclusive):
    """A pointer of the profile names a place that no document of the store has."""


def pointers_in(document: Any) -> list[str]:
    """The JSON Pointers to what a document holds, the outer ones first; so many at most."""
    found: list[str] = []
    level: list[tuple[str, Any]] = [("", document)]
    for _ in range(_MOST_DEPTH):
        level = [(f"{at}/{_escaped(name)}", inner) for at, value in level for name, inner in _members(value)]
        found += [at for at, _ in level]
        if len(found) >= _MOST_PLACES:
            break
    return found[:_MOST_PLACES]


def nearest(pointer: str, document: Any) -> str:
    """The pointer of a document that is most like another one; empty when none is.

    One with the same last name is near, however it is nested.
    """
    places = pointers_in(document)
    last = pointer.rpartition("/")[2]
    same = [place for place in places if last and place.rpartition("/")[2].lower() == last.lower()]
    if same:
        return same[0]
    near = difflib.get_close_matches(pointer, places, n=1, cutoff=0.6)
    if near:
        return near[0]
    names = {place.rpartition("/")[2]: place for place in reversed(places)}
    near = difflib.get_close_matches(last, names, n=1, cutoff=0.6)
    return names[near[0]] if near else ""


def missing_place(key: str, pointer: str, document: Any) -> WrongMapping:
    """What to raise for a pointer that a document has nothing at.

    Args:
        key: of the profile.
        pointer: its value, or what it is by default.
        document: that was read.
    """
    near = nearest(pointer, document)
    places = ", ".join(pointers_in(document)[:8])
    hint = f"the nearest is {near}" if near else f"it has {places}" if places else "it is no JSON object"
    return WrongMapping(f"{key}: the document has nothing at {cut(pointer)!r}; {cut(hint, _SHOWN_CHARACTERS)}")


class Mapper:
    """Takes ids and rows out of documents.

    A place that one document lacks is the store's fault, and what the checks look for. Where no document ever had it,
    the profile is wrong: then ``WrongMapping`` is raised.

    Args:
        section: the profile's, for messages: ``sinks.primary``.
        id_pointer: to the resource's id.
        resource: pointer to the representation.
        fields: other names or places of fields.
    """

    def __init__(self, section: str, *, id_pointer: str, resource: str = "", fields: Mapping[str, str]) -> None:
        self._section = section
        self._places = {"id": id_pointer, "resource": resource}
        self._fields = dict(fields)
        self._seen: set[str] = set()
        """The keys of places that a document had."""

    def id_of(self, document: Any) -> str | None:
        """The resource's id; ``None`` where this document has none. Raises WrongMapping as the class says."""
        found = self._value("id", self._places["id"], document)
        return None if found is None or isinstance(found, (dict, list)) else str(found)

    def row_of(self, document: Any) -> Row:
        """The representation, with the fields in their own places. Raises WrongMapping as the class says."""
        resource = self._value("resource", self._places["resource"], document) if self._places["resource"] else document
        row = dict(resource) if isinstance(resource, dict) else {}
        for name, pointer in self._fields.items():
            row.pop(name, None)
            self._value(f"fields.{name}", pointer, document)
            if has_value_at(document, pointer):
                row[name] = value_at(document, pointer)
        return row

    def _value(self, key: str, pointer: str, document: Any) -> Any:
        if has_value_at(document, pointer):
            self._seen.add(key)
            return value_at(document, pointer)
        if key not in self._seen:
            raise missing_place(f"{self._section}.{key}", pointer, document)
        return None


def mapper_of(section: str, resource: str, fields: Mapping[str, str]) -> Mapper | None:
    """What maps documents that are found by a key of their own; ``None`` where they are as the representation is."""
    return Mapper(section, id_pointer="", resource=resource, fields=fields) if resource or fields else None


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from list(value.items())[:_MOST_PLACES]
    elif isinstance(value, list) and value:
        yield "0", value[0]


def _escaped(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")
