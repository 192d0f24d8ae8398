"""Values of many types and lengths for valid bodies, so that a store that loses some of them is seen."""

import json
from collections.abc import Mapping
from typing import Any

from createflow.scenarios.bodies.markers import nonce
from createflow.schemas.wire import METADATA_MAX_BYTES, METADATA_MAX_DEPTH

_LONGEST_TEXT = 5_000
_PLAIN_VALUES = 3
"""So many of the values below are such that every JSON store keeps them."""
_VALUES: tuple[dict[str, Any], ...] = (
    {"count": 3, "ratio": 0.5, "price": 1234.56, "small": 0.001, "yes": True, "no": False},
    {"none": None, "list": [1, "a", None, True, 12.75], "empty": {}, "nothing": [], "blank": ""},
    {"nested": {"a": {"b": [{"c": -7, "d": 2.625}]}}, "text": "0123", "word": "null", "day": "2024-02-30"},
    {
        "large": 2**53 + 1,
        "largest": 2**63 - 1,
        "smallest": -(2**63),
        "third": 1 / 3,
        "sum": 0.1 + 0.2,
        "numbers": [1e21, 1e-7, 123456789.123456789, 1.7976931348623157e308, 2.2250738585072014e-308],
        "deep": {"deeper": {"deepest": 3.141592653589793}},
        "texts": [
            "",
            " ",
            " a ",
            "NaN",
            "true",
            "1e5",
            "2024-01-01T00:00:00Z",
            "a\u2028b",
            "<b>&amp;</b>",
            "%00 \\ \"'",
        ],
        "": "no key",
        "a.b": {"$c": 1, "A.b": 2},
        "__proto__": {"id": "other", "name": "other"},
        "k" * 300: [[], [[]], {}, [{}]],
        "repeats": ["b", "a", "b", 1, 1, True],
        "camelCase": {"snake_case": 1, "kebab-case": 2, " blanks ": 3, "Upper": 4, "upper": 5},
    },
)
VARIANTS = 12
"""After so many the values repeat themselves."""
_LARGEST, _LONGEST, _EMPTY, _DEEPEST, _WIDEST = 6, 7, 9, 10, 11
"""Of those, the variants whose metadata, name and nesting are as large as our own contract allows, or with nothing in
it, or with many members."""
_ITEMS, _MEMBERS = 1_200, 300


def varied_metadata(number: int, *, is_ours: bool) -> dict[str, Any]:
    """Values for a free object; of another server's only those that every JSON store keeps.

    Args:
        number: of the body; the values of the next numbers are others.
        is_ours: the target is declared to keep what our own contract promises.
    """
    place = number % len(_VALUES)
    return dict(_VALUES[place]) if is_ours or place < _PLAIN_VALUES else {}


def vary_name(body: dict[str, Any], number: int, name: str) -> None:
    """Let one name in so many have letters of several kinds."""
    if number % len(_VALUES) == _PLAIN_VALUES:
        first, _, word = str(body[name]).rpartition(" ")
        body[name] = f"{first} MiXeD \u00c9 \U0001f600 {word}"


def enlarge(body: dict[str, Any], number: int, name: str, *, longest: int) -> None:
    """Let one part of a body be as large, or as empty, as our own contract allows: a store may have its own limits.

    Args:
        body: is changed.
        number: of the body.
        name: the field of the name.
        longest: so many code points the name may have.
    """
    variant, metadata = number % VARIANTS, body.get("metadata")
    if variant == _LONGEST:
        first, _, word = str(body[name]).rpartition(" ")
        room = longest - len(first) - len(word) - 2
        body[name] = f"{first} {('long ' * room)[: room - 1]}. {word}"
    elif variant == _DEEPEST and isinstance(metadata, dict):
        deepest: Any = []
        for _ in range(METADATA_MAX_DEPTH - 2):
            deepest = {"deeper": deepest}
        metadata["deep"] = deepest
    elif variant == _EMPTY and isinstance(metadata, dict):
        body["description"], body["metadata"] = "", {}
    elif variant == _WIDEST and isinstance(metadata, dict):
        metadata["items"] = list(range(_ITEMS))
        metadata["members"] = {f"m{place}": place for place in range(_MEMBERS)}
    elif variant == _LARGEST and isinstance(metadata, dict):
        metadata["large"] = ""
        room = METADATA_MAX_BYTES - len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())
        metadata["large"] = ("0123456789 abcdef, " * room)[: room - 1] + "."


def varied_fields(
    schemas: Mapping[str, Mapping[str, Any]], lengths: Mapping[str, int | None], number: int, *, is_ours: bool
) -> dict[str, Any]:
    """Other numbers, long texts and texts with outer spaces for the fields that may have any.

    Args:
        schemas: of the fields, by name.
        lengths: most code points of each.
        number: of the body.
        is_ours: as for ``varied_metadata``.
    """
    made: dict[str, Any] = {}
    for name, schema in schemas.items():
        length = lengths[name]
        if (value := _other_number(schema, number)) is not None:
            made[name] = value
        if schema.get("type") != "string" or {"pattern", "format", "enum", "const"} & set(schema):
            continue
        if number % 3 == 1 and length is not None and length <= _LONGEST_TEXT:
            made[name] = (f"{nonce()} " * (length // 18 + 1))[: length - 1] + "."
        elif number % 3 == 2 and is_ours:
            made[name] = (
                f"  outer spaces,\r\na line break, two  spaces, a\ttab, a no-break\u00a0space,"
                f" ﬁ and ①, MiXeD \u00c9 \u05e9 \U0001f600 {nonce()}  "
            )
    return made


def _other_number(schema: Mapping[str, Any], number: int) -> float | None:
    """A number for a property whose schema has at most bounds, with digits that something could lose; else none."""
    kind = schema.get("type")
    if kind not in ("number", "integer") or {"enum", "const", "multipleOf", "format"} & set(schema):
        return None
    choices = (1234.56, 0.25, 20, 7.125) if kind == "number" else (70_007, 7, 20)
    value = choices[number % len(choices)]
    least, most = schema.get("minimum", value), schema.get("maximum", value)
    is_open = "exclusiveMinimum" in schema or "exclusiveMaximum" in schema
    is_bound = isinstance(least, (int, float)) and isinstance(most, (int, float))
    return value if is_bound and not is_open and least <= value <= most else None
