"""Makes a Hypothesis strategy of a JSON Schema, for the keywords that are usual in create bodies.

Every store can hold the values: visible text, numbers that a double represents exactly, little depth. Unknown keywords
are ignored; the caller validates each value against the schema.
"""

import re
from typing import Any

from hypothesis import strategies as st

from createflow.scenarios.bodies.example import LONGEST_TEXT
from createflow.scenarios.text.json_pointer import value_at

_LETTERS = "abcxyzABCXYZ0189 _-.,;:!?'\"<>&/\\|{}[]()$%#@+*=~^éßñøЖλ日本語😀🚀"
_TEXT_MAX = 40
_SAFE_INTEGER = 2**53
_ITEMS_MAX = 4
_MOST_ITEMS = 200
Strategy = st.SearchStrategy[Any]


class TooLarge(ValueError):  # noqa: N818 - a statement about the schema
    """The schema asks for a value that is larger than any that is made."""


def strategy_of(schema: Any, root: dict[str, Any] | None = None) -> Strategy:
    """A strategy for values that the schema allows, in most cases."""
    if not isinstance(schema, dict):
        return _anything()
    root = schema if root is None else root
    if "const" in schema:
        return st.just(schema["const"])
    if schema.get("enum"):
        return st.sampled_from(schema["enum"])
    for keyword in ("anyOf", "oneOf"):
        if schema.get(keyword):
            return st.one_of([strategy_of(option, root) for option in schema[keyword]])
    if str(schema.get("$ref", "")).startswith("#/"):
        return strategy_of(value_at(root, schema["$ref"][1:]), root)
    kinds = schema.get("type", "object" if "properties" in schema else None)
    names = kinds if isinstance(kinds, list) else [kinds]
    return st.one_of([_OF_TYPE.get(str(name), _of_any)(schema, root) for name in names])


def _string(schema: dict[str, Any], _root: dict[str, Any]) -> Strategy:
    if "format" in schema:
        return _FORMATS.get(schema["format"], _text(1, _TEXT_MAX))
    least = int(schema.get("minLength", 0))
    if least > LONGEST_TEXT:
        raise TooLarge(
            f"it asks for a text of {_shown(least)} characters, and none of more than {LONGEST_TEXT} is made"
        )
    most = max(least, min(int(schema.get("maxLength", _TEXT_MAX)), _TEXT_MAX))
    plain = _text(least, most)
    pattern = schema.get("pattern")
    if pattern is None or re.search(pattern, "createflow"):
        return plain
    return st.from_regex(pattern, alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E))


def _integer(schema: dict[str, Any], _root: dict[str, Any]) -> Strategy:
    least, most = schema.get("minimum", -_SAFE_INTEGER), schema.get("maximum", _SAFE_INTEGER)
    return st.integers(int(least), int(most))


def _number(schema: dict[str, Any], root: dict[str, Any]) -> Strategy:
    # Every JSON library writes and reads halves of whole numbers exactly.
    small = {"minimum": schema.get("minimum", -(10**6)), "maximum": schema.get("maximum", 10**6)}
    return st.one_of(_integer(small, root), _integer(small, root).map(_half))


def _half(whole: int) -> float:
    return whole / 2 if abs(whole) <= _SAFE_INTEGER else whole


def _array(schema: dict[str, Any], root: dict[str, Any]) -> Strategy:
    least = int(schema.get("minItems", 0))
    if least > _MOST_ITEMS:
        raise TooLarge(f"it asks for a list of {_shown(least)} values, and none of more than {_MOST_ITEMS} is made")
    most = max(least, min(int(schema.get("maxItems", _ITEMS_MAX)), _ITEMS_MAX))
    return st.lists(strategy_of(schema.get("items"), root), min_size=least, max_size=most)


def _object(schema: dict[str, Any], root: dict[str, Any]) -> Strategy:
    properties = schema.get("properties")
    if not properties:
        return st.dictionaries(_text(1, 12), _anything(), max_size=_ITEMS_MAX)
    required = set(schema.get("required", []))
    fields = {}
    for name, inner in properties.items():
        try:
            fields[name] = strategy_of(inner, root)
        except TooLarge:
            if name in required:
                raise
    return st.fixed_dictionaries(
        {name: values for name, values in fields.items() if name in required},
        optional={name: values for name, values in fields.items() if name not in required},
    )


def _shown(number: int) -> str:
    return str(number) if number < 10**12 else f"about 10^{len(str(number)) - 1}"


def _of_any(_schema: dict[str, Any], _root: dict[str, Any]) -> Strategy:
    return _anything()


def _anything() -> Strategy:
    simple = st.one_of(st.none(), st.booleans(), st.just(0), _number({}, {}), _text(0, 20))
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            st.lists(inner, max_size=_ITEMS_MAX), st.dictionaries(_text(1, 12), inner, max_size=_ITEMS_MAX)
        ),
        max_leaves=6,
    )


def _text(least: int, most: int) -> Strategy:
    # Many targets trim blanks at both ends, which is allowed.
    return st.text(st.sampled_from(_LETTERS), min_size=least, max_size=most).map(
        lambda text: text if text == text.strip() else f"a{text[1:-1]}z"[: max(len(text), 1)]
    )


_OF_TYPE = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda _schema, _root: st.booleans(),
    "null": lambda _schema, _root: st.none(),
    "array": _array,
    "object": _object,
}
_FORMATS: dict[str, Strategy] = {
    "uuid": st.uuids(version=4).map(str),
    "date": st.dates().map(str),
    "date-time": st.datetimes().map(lambda moment: f"{moment.replace(microsecond=0).isoformat()}Z"),
    "email": st.integers(1, 10**6).map(lambda number: f"user{number}@example.com"),
    "uri": st.integers(1, 10**6).map(lambda number: f"https://example.com/{number}"),
}
