"""The values at and around every bound of a property: listed, not rolled, so that each is tried in every run.

Whether a value fits is for the schema to say. What a schema says nothing about (text without ``maxLength``, numbers
past the integers of a common type) may be refused or kept, but not changed.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

UNDECLARED_LENGTHS = (256, 1_000, 65_536)
"""Code points: a byte, a column of a usual size, two bytes."""
_LONGEST = 100_000
"""Longer bounds are not tried."""
_DEEP = 50
"""Less than what is read of a reply, which is to show it."""
_MOST_ITEMS = 10_000
_OF_TYPES: dict[str, Any] = {
    "null": None,
    "boolean": True,
    "integer": 1,
    "number": 1.5,
    "string": "text",
    "array": ["x"],
    "object": {"x": 1},
}
_SIMILAR: dict[str, Any] = {
    "a number as text": "1",
    "zero": 0,
    "false": False,
    "an empty text": "",
    "a blank": " ",
    "an empty list": [],
    "an empty object": {},
}
_NOT_JSON = ("NaN", "Infinity", "-Infinity")
_OTHER_SYNTAX = ("undefined", "01", "+1", ".5", "1.", "0x10", "'x'", "True", "1 // one")
_NUMBERS = {
    "-0": "-0",
    "2^31": str(2**31),
    "2^32 + 1": str(2**32 + 1),
    "2^53 - 1": str(2**53 - 1),
    "2^53 + 1": str(2**53 + 1),
    "-(2^53 + 1)": str(-(2**53) - 1),
    "2^63 - 1": str(2**63 - 1),
    "2^63": str(2**63),
    "-2^63 - 1": str(-(2**63) - 1),
    "2^64": str(2**64),
    "10^40": str(10**40),
    "1e400": "1e400",
    "-1e400": "-1e400",
}
_TEXTS = {
    "compatibility characters": "\ufb01 \u00b2 \uff21\uff42 \u2460 \u00bd \u2167",
    "four-byte characters": "\U0001f600\U00020000",
    "a text that ends in blanks": "text  ",
    "a text that begins with blanks": "  text",
    "capital and small letters": "\u0130 \u1e9e Aa",
}
_ESCAPES = {
    "a NUL": rb'"a\u0000b"',
    "a lone surrogate": rb'"a\ud800b"',
    "a lone low surrogate": rb'"\udc00"',
    "a noncharacter": rb'"a\uffffb"',
    "a control character": rb'"a\u0001b"',
}
_QUANTITIES = (("minimum", 0), ("maximum", 0), ("exclusiveMinimum", 1), ("exclusiveMaximum", 1))


class Judgement(Enum):
    """Who decides on a value."""

    SCHEMA = "the schema"
    """It fits or it does not."""
    REFUSED = "refused"
    """It is no JSON."""
    KEPT_OR_REFUSED = "kept or refused"
    """The schema says nothing about it."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a property."""

    text: str
    """What it is, without anything that differs from run to run."""
    raw: bytes
    """As it is in the body."""
    judgement: Judgement
    parsed: Any = None
    """For the schema."""
    is_variant: bool = False
    """Another value of the list is of the same kind; it need not be tried by every method."""


_MOST_BRANCHES = 12
"""Of the combinations in one schema of a property."""
_KINDS: dict[type, str] = {str: "string", int: "integer", float: "number"}


def values_of(
    schema: dict[str, Any], *, longest: int | None = None, unique: bool = False, with_syntax: bool = True
) -> list[Value]:
    """Every value that is tried for a property, except that it is left out.

    Args:
        schema: of the property.
        longest: no text of more bytes is made, since the whole body would be too large.
        with_syntax: also what other languages than JSON have for values.
        unique: texts get a beginning of their own where they are long enough, since two may not be equal.
    """
    branches = _branches(schema)
    has_format = any("format" in branch for branch in branches)
    begin: Callable[[], str] = (lambda: f"n{secrets.token_hex(8)} ") if unique else str
    found = [_by_schema(json.dumps(value), value) for value in _OF_TYPES.values()]
    found += [replace(_by_schema(text, value), is_variant=True) for text, value in _SIMILAR.items()]
    syntax = (*_NOT_JSON, *_OTHER_SYNTAX) if with_syntax else _NOT_JSON
    found += [Value(text, text.encode(), Judgement.REFUSED, is_variant=text != _NOT_JSON[0]) for text in syntax]
    for branch in branches:
        kinds = _kinds(branch)
        found += [_by_schema(f"the choice {json.dumps(one)[:40]}", one) for one in branch.get("enum", ())]
        if "string" in kinds:
            found += _texts(branch, begin, min(longest or _LONGEST, _LONGEST), has_format=has_format)
        if kinds & {"integer", "number"}:
            found += _quantities(branch)
            is_free = "enum" not in branch and "const" not in branch
            found += [_number(text, raw, branch) for text, raw in _NUMBERS.items() if is_free]
        if "array" in kinds:
            found += _lists(branch)
        if "object" in kinds and not branch.get("properties") and not branch.get("required"):
            found += _objects(longest or _LONGEST)
    texts: dict[str, Value] = {}
    for value in found:
        texts.setdefault(value.text, value)
    first: dict[bytes, Value] = {}
    for value in texts.values():
        first.setdefault(value.raw, value)
    return list(first.values())


def _branches(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema and the parts of its anyOf, oneOf and allOf, at every depth, to a limit."""
    found: list[dict[str, Any]] = []
    waiting = [schema]
    while waiting and len(found) < _MOST_BRANCHES:
        branch = waiting.pop(0)
        found.append(branch)
        for keyword in ("anyOf", "oneOf", "allOf"):
            parts = branch.get(keyword)
            waiting += [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else ()
    return found


def _kinds(schema: dict[str, Any]) -> frozenset[str]:
    """The types that it allows: by ``type``, else those of its choices."""
    kind = schema.get("type")
    if isinstance(kind, list):
        return frozenset(kind)
    if isinstance(kind, str):
        return frozenset({kind})
    choices = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    return frozenset(_KINDS[type(one)] for one in choices if type(one) in _KINDS)


def _by_schema(text: str, value: Any) -> Value:
    return Value(text, _json(value), Judgement.SCHEMA, value)


def _free(text: str, value: Any) -> Value:
    return Value(text, _json(value), Judgement.KEPT_OR_REFUSED, value)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _texts(schema: dict[str, Any], begin: Callable[[], str], longest: int, *, has_format: bool) -> Iterator[Value]:
    # What a format asks for is not known here; all other keywords judge.
    judged = _free if has_format else _by_schema
    for bound in ("minLength", "maxLength"):
        length = _count(schema.get(bound))
        for count in () if length is None else (length - 1, length, length + 1):
            for kind, letter in (("letters", "x"), ("four-byte letters", "\U0001f600")):
                if 0 < count * len(letter.encode()) <= longest:
                    value = begin()[: count // 2].ljust(count, letter)
                    is_beyond = bound == "maxLength" and value != "" and len(value) == (length or 0) + 1
                    yield (_by_schema if is_beyond else judged)(f"{count:,} {kind}", value)
    most = _count(schema.get("maxLength"))
    for count in UNDECLARED_LENGTHS:
        if count <= longest - 64 and (most is None or count <= most):
            yield _free(f"{count:,} letters", begin().ljust(count, "x"))
    for kind, text in _TEXTS.items():
        has_margin = text != text.strip()
        yield _free(kind, text) if has_margin else judged(kind, f"{begin()}{text}")
    yield from (Value(kind, raw, Judgement.KEPT_OR_REFUSED) for kind, raw in _ESCAPES.items())


def _quantities(schema: dict[str, Any]) -> Iterator[Value]:
    for bound, _ in _QUANTITIES:
        limit = schema.get(bound)
        if isinstance(limit, (int, float)) and not isinstance(limit, bool):
            yield from (_by_schema(f"{bound} {more:+d}", limit + more) for more in (-1, 0, 1))


def _number(text: str, raw: str, schema: dict[str, Any]) -> Value:
    if "e" not in raw and {bound for bound, _ in _QUANTITIES} & schema.keys():
        return Value(text, raw.encode(), Judgement.SCHEMA, int(raw))
    return Value(text, raw.encode(), Judgement.KEPT_OR_REFUSED)


def _lists(schema: dict[str, Any]) -> Iterator[Value]:
    items = schema.get("items")
    item = _item(items) if isinstance(items, dict) else "x"
    for bound in ("minItems", "maxItems"):
        count = _count(schema.get(bound))
        for length in () if count is None or count > _MOST_ITEMS else (count - 1, count, count + 1):
            if length >= 0 and not schema.get("uniqueItems"):
                yield _by_schema(f"{length:,} items", [item] * length)


def _item(schema: dict[str, Any]) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    kind = next(iter(_kinds(schema)), "string")
    return _OF_TYPES.get(kind)


def _objects(longest: int) -> Iterator[Value]:
    for kind, raw in _inner(longest):
        yield Value(f"an object with {kind}", _within(raw), Judgement.KEPT_OR_REFUSED)
    nested: Any = 1
    for _ in range(_DEEP):
        nested = {"d": nested}
    yield _free(f"an object nested {_DEEP} deep", nested)
    yield _free(f"lists nested {_DEEP} deep in an object", {"d": json.loads("[" * _DEEP + "]" * _DEEP)})


def _inner(longest: int) -> Iterator[tuple[str, bytes]]:
    yield from ((kind, raw.encode()) for kind, raw in _NUMBERS.items())
    yield from ((kind, _json(text)) for kind, text in _TEXTS.items())
    yield from _ESCAPES.items()
    yield from ((f"{count:,} letters", _json("x" * count)) for count in UNDECLARED_LENGTHS if count <= longest - 64)


def _within(raw: bytes) -> bytes:
    return b'{"k":' + raw + b"}"


def _count(value: Any) -> int | None:
    """A bound as a number of characters or items; 3.0 is one as well (JSON Schema Core 2020-12 §4.2.3)."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= _LONGEST else None
