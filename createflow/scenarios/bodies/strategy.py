"""Makes a Hypothesis strategy of a JSON Schema, for the keywords that are usual in create bodies.

Every store can hold the values: visible text, numbers that a double represents exactly, little depth. What a strategy
does not know of a schema is left to the caller, who validates each value.
"""

import json
import math
from collections.abc import Callable
from decimal import Decimal
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from createflow.scenarios.bodies import formats
from createflow.scenarios.bodies.ecma_pattern import in_python, with_length
from createflow.scenarios.bodies.example import LONGEST_TEXT
from createflow.scenarios.bodies.merged_schema import CHOICES, Schema, merged

_LETTERS = "abcxyzABCXYZ0189 _-.,;:!?'\"<>&/\\|{}[]()$%#@+*=~^éßñøЖλ日本語😀🚀"
_TEXT_MAX = 40
_SAFE_INTEGER = 2**53
_ITEMS_MAX = 4
_MOST_ITEMS = 200
Strategy = st.SearchStrategy[Any]


class TooLarge(ValueError):  # noqa: N818 - a statement about the schema
    """The schema asks for a value that is larger than any that is made."""


class Strategies:
    """The strategies for the parts of one schema. That of a part that contains itself contains itself."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._known: dict[str, Strategy] = {}

    @cached_property
    def _formats(self) -> dict[str, Strategy]:
        return formats.strategies()

    def of(self, schema: Any) -> Strategy:
        """A strategy for values that the schema allows, in most cases.

        Raises:
            ValueError: it asks for too large values, or its references lead nowhere.
        """
        if schema is False:
            return st.nothing()
        if not isinstance(schema, dict):
            return _anything()
        key = json.dumps(schema, sort_keys=True)
        if key not in self._known:
            made: list[Strategy] = []
            self._known[key] = st.deferred(lambda: made[0])
            made.append(self._made(merged(schema, self._root)))
        return self._known[key]

    def _made(self, schema: Schema) -> Strategy:
        if choices := schema.get(CHOICES):
            first, *others = choices
            rest = {key: value for key, value in schema.items() if key != CHOICES}
            if others:
                rest["allOf"] = [{"anyOf": options} for options in others]
            return st.one_of([self.of({"allOf": [option, rest]}) for option in first])
        if "const" in schema:
            return st.just(schema["const"])
        if schema.get("enum"):
            return st.sampled_from(schema["enum"])
        kinds = schema.get("type", "object" if {"properties", "required"} & schema.keys() else None)
        if kinds is None:
            kinds = [kind for kind, keywords in _KEYWORDS.items() if keywords & schema.keys()]
        names = kinds if isinstance(kinds, list) else [kinds]
        return st.one_of([self._of_kind(str(name), schema) for name in names]) if names else _anything()

    def _of_kind(self, kind: str, schema: Schema) -> Strategy:
        makers: dict[str, Callable[[Schema], Strategy]] = {
            "string": self._text,
            "integer": _integers,
            "number": _numbers,
            "boolean": lambda _: st.booleans(),
            "null": lambda _: st.none(),
            "array": self._list,
            "object": self._object,
        }
        return makers[kind](schema) if kind in makers else _anything()

    def _text(self, schema: Schema) -> Strategy:
        least = int(schema.get("minLength", 0))
        if least > LONGEST_TEXT:
            raise TooLarge(
                f"it asks for a text of {_shown(least)} characters, and none of more than {LONGEST_TEXT} is made"
            )
        longest = int(schema.get("maxLength", max(_TEXT_MAX, least)))
        most = max(least, min(longest, _TEXT_MAX))
        of_format = self._formats.get(formats.format_of_text(schema))
        if of_format is not None and "maxLength" in schema:
            of_format = of_format.filter(lambda text: len(text) <= longest)
        pattern = schema.get("pattern")
        if not isinstance(pattern, str):
            return _text(least, most) if of_format is None else of_format
        python, letters = in_python(with_length(pattern, least, most))
        matching = _matching(python, letters).filter(lambda text: least <= len(text) <= longest)
        return matching if of_format is None else st.one_of(of_format, matching)

    def _list(self, schema: Schema) -> Strategy:
        least = int(schema.get("minItems", 0))
        if least > _MOST_ITEMS:
            raise TooLarge(f"it asks for a list of {_shown(least)} values, and none of more than {_MOST_ITEMS} is made")
        most = max(least, min(int(schema.get("maxItems", _ITEMS_MAX)), _ITEMS_MAX))
        first = [self.of(item) for item in schema.get("prefixItems", ())][:most]
        if "contains" in schema and schema.get("minContains", 1):
            first.append(self.of(schema["contains"]))
        key = _as_text if schema.get("uniqueItems") else None
        rest = max(0, least - len(first)), max(0, most - len(first))
        others: Strategy = st.just([])
        if schema.get("items") is not False:
            items = self.of(schema.get("items"))
            others = st.lists(items, min_size=rest[0], max_size=rest[1], unique_by=key)
        return st.tuples(*first, others).map(lambda parts: [*parts[:-1], *parts[-1]]) if first else others

    def _object(self, schema: Schema) -> Strategy:
        properties = {name: inner for name, inner in (schema.get("properties") or {}).items() if inner is not False}
        required = dict.fromkeys(schema.get("required", ()))
        least, most = int(schema.get("minProperties", 0)), int(schema.get("maxProperties", _MOST_ITEMS))
        if least > _MOST_ITEMS:
            raise TooLarge(f"it asks for an object of {_shown(least)} properties")
        extra = self._extra(schema)
        if not properties and not required:
            size = max(least, min(most, _ITEMS_MAX))
            return st.dictionaries(self._names(schema), extra, min_size=least, max_size=size)
        fields = {}
        for name, inner in properties.items():
            try:
                fields[name] = self.of(inner)
            except TooLarge:
                if name in required:
                    raise
        fields |= {name: extra for name in required if name not in fields}
        wanted = [*required, *(name for name in fields if name not in required)][: max(least, len(required))]
        optional = {name: values for name, values in fields.items() if name not in wanted}
        whole = st.fixed_dictionaries({name: fields[name] for name in wanted}, optional=optional)
        return whole.map(lambda made: _with_dependents(made, schema, wanted, most))

    def _names(self, schema: Schema) -> Strategy:
        """Names of properties that the schema does not name."""
        patterns = schema.get("patternProperties")
        if isinstance(patterns, dict) and patterns:
            return _matching(*in_python(next(iter(patterns))))
        if "propertyNames" in schema:
            return self.of({"type": "string", "allOf": [schema["propertyNames"]]})
        return _text(1, 12)

    def _extra(self, schema: Schema) -> Strategy:
        """Values of properties that the schema does not name."""
        patterns = schema.get("patternProperties")
        if isinstance(patterns, dict) and patterns:
            return self.of(next(iter(patterns.values())))
        allowed = schema.get("additionalProperties", True)
        return _anything() if allowed is False else self.of(allowed)


def _matching(python: str, letters: str) -> Strategy:
    alphabet = st.characters(min_codepoint=0x20, max_codepoint=0x7E, include_characters=letters)
    return st.from_regex(python, alphabet=alphabet)


def _with_dependents(made: dict[str, Any], schema: Schema, wanted: list[str], most: int) -> dict[str, Any]:
    """Without the optional properties that need absent ones, or are too many."""
    depending = schema.get("dependentRequired", {})
    kept = {
        name: value
        for name, value in made.items()
        if name in wanted or all(other in made for other in depending.get(name, ()))
    }
    optional = [name for name in kept if name not in wanted]
    for name in optional[max(0, most - len(wanted)) :]:
        del kept[name]
    return kept


def _bounds(schema: Schema) -> tuple[float | None, float | None]:
    """The least and the largest number, which may be excluded ones."""
    least = [schema[key] for key in ("minimum", "exclusiveMinimum") if isinstance(schema.get(key), (int, float))]
    most = [schema[key] for key in ("maximum", "exclusiveMaximum") if isinstance(schema.get(key), (int, float))]
    return max(least, default=None), min(most, default=None)


def _integers(schema: Schema) -> Strategy:
    low, high = _bounds(schema)
    least = min(-_SAFE_INTEGER, math.floor(high or 0)) if low is None else math.ceil(low)
    most = max(_SAFE_INTEGER, least + 10**6) if high is None else math.floor(high)
    least += isinstance(schema.get("exclusiveMinimum"), (int, float)) and schema["exclusiveMinimum"] == least
    most -= isinstance(schema.get("exclusiveMaximum"), (int, float)) and schema["exclusiveMaximum"] == most
    least, most = _near(least, most)
    step = schema.get("multipleOf", 1)
    if isinstance(step, float) and not step.is_integer():
        whole = _multiples(step, least, most).filter(lambda value: float(value).is_integer())
        return whole.map(int)
    step = int(step) or 1
    return st.integers(-(-least // step), most // step).map(lambda number: number * step)


def _near(least: int, most: int) -> tuple[int, int]:
    """Of a range beyond what a double holds exactly, the part that it holds, where there is one."""
    near = max(least, -_SAFE_INTEGER), min(most, _SAFE_INTEGER)
    return near if near[0] <= near[1] else (least, most)


def _numbers(schema: Schema) -> Strategy:
    low, high = _bounds(schema)
    least, most = -(10**6) if low is None else low, 10**6 if high is None else high
    if low is not None and high is None:
        most = max(most, least + 10**6)
    if high is not None and low is None:
        least = min(least, most - 10**6)
    if isinstance(schema.get("multipleOf"), (int, float)):
        return _multiples(schema["multipleOf"], least, most)
    # Every JSON library writes and reads halves of whole numbers exactly.
    halves = math.ceil(least * 2), math.floor(most * 2)
    if halves[1] - halves[0] > 2:
        return st.integers(*halves).map(_half)
    return st.sampled_from([least + (most - least) * eighth / 8 for eighth in range(9)])


def _multiples(step: float, least: float, most: float) -> Strategy:
    exact = Decimal(str(step))
    low, high = math.ceil(Decimal(str(least)) / exact), math.floor(Decimal(str(most)) / exact)
    return st.integers(low, high).map(lambda count: _plain(count * exact))


def _plain(value: Decimal) -> float:
    return int(value) if value == value.to_integral_value() else float(value)


def _half(count: int) -> float:
    return count // 2 if count % 2 == 0 or abs(count) > _SAFE_INTEGER else count / 2


def _as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _shown(number: int) -> str:
    return str(number) if number < 10**12 else f"about 10^{len(str(number)) - 1}"


def _anything() -> Strategy:
    simple = st.one_of(st.none(), st.booleans(), st.just(0), _numbers({}), _text(0, 20))
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


_KEYWORDS = {
    "object": {"properties", "required", "additionalProperties", "minProperties", "maxProperties"},
    "string": {"pattern", "minLength", "maxLength", "format", "contentEncoding"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "array": {"items", "minItems", "maxItems", "prefixItems", "contains", "uniqueItems"},
}
"""What a schema without a type is about, by its keywords."""
