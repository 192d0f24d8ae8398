"""One flat schema of a schema with references and ``allOf``, as far as values can be made of it.

What cannot be expressed that way is left out: each value is held against the whole schema afterwards.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

from createflow.scenarios.text.json_pointer import value_at

Schema = dict[str, Any]
CHOICES = "choices"
"""Of the merged schema: lists of which one option each must fit as well (``anyOf``, ``oneOf``, ``if``)."""
_MOST_STEPS = 100
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
_LEFT_OUT = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "then", "else", "title", "description", "$comment"})


def merged(schema: Schema, root: Schema) -> Schema:
    """The schema with its references and ``allOf`` as one.

    Raises:
        ValueError: a reference leads nowhere, or back to itself.
    """
    parts = list(_parts(schema, root))
    whole = parts[0]
    for part in parts[1:]:
        whole = with_both(whole, part)
    return whole


def with_both(one: Schema, other: Schema) -> Schema:
    """A schema for what fits two flat ones."""
    made = {**other, **one}
    for key in one.keys() & other.keys():
        made[key] = _both(key, one[key], other[key])
    return made


def _parts(schema: Schema, root: Schema) -> Iterator[Schema]:
    rest: list[Any] = [schema]
    steps = 0
    while rest:
        steps += 1
        if steps > _MOST_STEPS:
            raise ValueError("it is nested too deeply, or refers to itself without an end")
        part = rest.pop(0)
        if part is False:
            yield {"not": {}}
        if not isinstance(part, dict):
            continue
        yield _flat(part)
        reference = part.get("$ref")
        if isinstance(reference, str):
            rest.append(_target(reference, root))
        rest += [inner for inner in part.get("allOf", ()) if isinstance(inner, (dict, bool))]


def _flat(part: Schema) -> Schema:
    flat = {key: value for key, value in part.items() if key not in _LEFT_OUT}
    choices = [part[keyword] for keyword in ("anyOf", "oneOf") if isinstance(part.get(keyword), list)]
    if isinstance(part.get("if"), dict):
        choices.append(
            [{"allOf": [part["if"], part.get("then", {})]}, {"not": part["if"], "allOf": [part.get("else", {})]}]
        )
    if choices:
        flat[CHOICES] = choices
    return flat


def _target(reference: str, root: Schema) -> Schema:
    if reference == "#":
        return root
    found = value_at(root, reference[1:]) if reference.startswith("#/") else _anchored(reference, root)
    if not isinstance(found, (dict, bool)):
        raise ValueError(f"the reference {reference[:100]} leads nowhere")  # noqa: TRY004 - no matter of types
    return {} if found is True else {"not": {}} if found is False else found


def _anchored(reference: str, root: Schema) -> Any:
    definitions = root.get("$defs")
    for one in definitions.values() if isinstance(definitions, dict) else ():
        if isinstance(one, dict) and reference in {f"#{one.get('$anchor')}", one.get("$id")}:
            return one
    return None


def _both(key: str, one: Any, other: Any) -> Any:
    return one if one == other or key not in _BOTH else _BOTH[key](one, other)


def _both_properties(one: Schema, other: Schema) -> Schema:
    return {**other, **one, **{name: _all_of(one[name], other[name]) for name in one.keys() & other.keys()}}


def _all_of(one: Any, other: Any) -> Schema:
    return {"allOf": [one, other]}


def _joined(one: list[Any], other: list[Any]) -> list[Any]:
    return [*one, *(item for item in other if item not in one)]


def _common(one: list[Any], other: list[Any]) -> list[Any]:
    return [item for item in one if item in other]


def _common_multiple(one: float, other: float) -> float:
    return math.lcm(one, other) if isinstance(one, int) and isinstance(other, int) else one


def _common_types(one: Any, other: Any) -> list[str]:
    ones, others = ([kind] if isinstance(kind, str) else list(kind) for kind in (one, other))
    found = [kind for kind in ones if kind in others]
    if "integer" not in found and {"integer", "number"} <= {*ones, *others}:
        found.append("integer")
    return found


_BOTH: dict[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(_LEAST, max),
    **dict.fromkeys(_MOST, min),
    **dict.fromkeys(("properties", "patternProperties"), _both_properties),
    **dict.fromkeys(("items", "additionalProperties", "propertyNames"), _all_of),
    "type": _common_types,
    "enum": _common,
    "required": _joined,
    "multipleOf": _common_multiple,
    CHOICES: lambda one, other: [*one, *other],
}
"""For each keyword that both schemas have: its value where it has to hold for both. Otherwise the first one stays."""
