"""From a JSON Schema to a Hypothesis strategy, for the keywords that create bodies are described with.

Values stay inside what every store can hold: text that can be seen, numbers that a double keeps, little depth. What the
translation does not know it passes over; the caller asks the schema itself about each value.
"""

import re
from typing import Any

from hypothesis import strategies as st

_LETTERS = "abcxyzABCXYZ0189 _-.,;:!?'\"<>&/\\|{}[]()$%#@+*=~^éßñøЖλ日本語😀🚀"
_TEXT_MAX = 40
_SAFE_INTEGER = 2**53
_ITEMS_MAX = 4
Strategy = st.SearchStrategy[Any]


def strategy_of(schema: Any, root: dict[str, Any] | None = None) -> Strategy:
    """Values that the schema allows, most of the time."""
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
        return strategy_of(_referred(root, schema["$ref"]), root)
    kinds = schema.get("type", "object" if "properties" in schema else None)
    names = kinds if isinstance(kinds, list) else [kinds]
    return st.one_of([_OF_TYPE.get(str(name), _of_any)(schema, root) for name in names])


def _string(schema: dict[str, Any], _root: dict[str, Any]) -> Strategy:
    if "format" in schema:
        return _FORMATS.get(schema["format"], _text(1, _TEXT_MAX))
    least = schema.get("minLength", 0)
    most = max(least, min(schema.get("maxLength", _TEXT_MAX), _TEXT_MAX))
    plain = _text(least, most)
    pattern = schema.get("pattern")
    if pattern is None or re.search(pattern, "createflow"):
        return plain
    return st.from_regex(pattern, alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E))


def _integer(schema: dict[str, Any], _root: dict[str, Any]) -> Strategy:
    least, most = schema.get("minimum", -_SAFE_INTEGER), schema.get("maximum", _SAFE_INTEGER)
    return st.integers(int(least), int(most))


def _number(schema: dict[str, Any], root: dict[str, Any]) -> Strategy:
    # Halves of whole numbers are written and read alike everywhere.
    small = {"minimum": schema.get("minimum", -(10**6)), "maximum": schema.get("maximum", 10**6)}
    return st.one_of(_integer(small, root), _integer(small, root).map(lambda whole: whole / 2))


def _array(schema: dict[str, Any], root: dict[str, Any]) -> Strategy:
    least = schema.get("minItems", 0)
    most = max(least, min(schema.get("maxItems", _ITEMS_MAX), _ITEMS_MAX))
    return st.lists(strategy_of(schema.get("items"), root), min_size=least, max_size=most)


def _object(schema: dict[str, Any], root: dict[str, Any]) -> Strategy:
    properties = schema.get("properties")
    if not properties:
        return st.dictionaries(_text(1, 12), _anything(), max_size=_ITEMS_MAX)
    required = set(schema.get("required", []))
    fields = {name: strategy_of(inner, root) for name, inner in properties.items()}
    return st.fixed_dictionaries(
        {name: values for name, values in fields.items() if name in required},
        optional={name: values for name, values in fields.items() if name not in required},
    )


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
    # Blanks at the ends are taken away by many targets, and rightly so.
    return st.text(st.sampled_from(_LETTERS), min_size=least, max_size=most).map(
        lambda text: text if text == text.strip() else f"a{text[1:-1]}z"[: max(len(text), 1)]
    )


def _referred(root: dict[str, Any], reference: str) -> Any:
    place: Any = root
    for part in reference.removeprefix("#/").split("/"):
        place = place.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(place, dict) else None
    return place


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
