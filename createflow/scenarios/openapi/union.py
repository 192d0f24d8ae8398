"""Schemas put together by ``allOf``, ``oneOf`` and ``anyOf``, as flat objects that bodies are made of."""

from typing import Any

from createflow.scenarios.openapi.values import as_list, as_object, names_of, types_of

Schema = dict[str, Any]


class _Properties(dict[str, Any]):
    """Properties that are being put together, and are nobody else's."""


class _Names(list[str]):
    """Required names that are being put together: each once, found quickly."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names)
        self._known = set(names)

    def add(self, names: list[str]) -> None:
        """Those that it does not have."""
        self += [name for name in names if name not in self._known]
        self._known.update(names)


_MOST_ALTERNATIVES = 12
_DEEPEST = 12
_MOST_CHOICES_INSIDE = 3
"""Of choices inside of each other."""
_MOST_TOGETHER = 20
"""Schemas of one property."""
_CHOICES = ("oneOf", "anyOf")
_ANNOTATIONS = frozenset({
    "title", "description", "examples", "default", "deprecated", "externalDocs", "xml", "discriminator", "$comment",
})  # fmt: skip
_MERGED = frozenset({"properties", "required", "type", *_ANNOTATIONS})
_JUDGING_ALONE = frozenset({"additionalProperties", "unevaluatedProperties"})
"""Keywords that look at the properties beside them only."""


def merged(schema: Schema, depth: int = 0) -> Schema:
    """The parts of an allOf as one object. What one object cannot say stays in ``allOf``, so that nothing is lost."""
    parts = [part for part in as_list(schema.get("allOf")) if isinstance(part, dict)]
    if not parts or depth > _DEEPEST:
        return schema
    whole = {key: item for key, item in schema.items() if key != "allOf"}
    rest = []
    for part in (merged(part, depth + 1) for part in parts):
        if _conflicts(whole, part):
            rest.append(part)
        _absorb(whole, part)
    whole.pop("allOf", None)
    return {**whole, "allOf": rest} if rest else whole


def alternatives(schema: Schema, depth: int = 0) -> list[Schema]:
    """Each flat object with properties that the schema allows to choose; one where there is no choice.

    Of a choice, each has the properties of one option, and the whole schema still holds for it. It judges alone only
    if a body of it with one mistake fits no other option. Where that is not so there is none.
    """
    schema = merged(schema)
    keyword = next((word for word in _CHOICES if as_list(schema.get(word))), "")
    if not keyword:
        return [schema] if as_object(schema.get("properties")) else []
    if depth >= _MOST_CHOICES_INSIDE:
        return []
    outer = {key: item for key, item in schema.items() if key not in {keyword, "allOf"}}
    options = [merged(as_object(one)) for one in schema[keyword]][:_MOST_ALTERNATIVES]
    flat = [inner for option in options for inner in alternatives(_with(outer, option), depth + 1)]
    if _is_only_required(options):
        # As {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]} beside properties.
        return [schema] if as_object(schema.get("properties")) else []
    found = []
    for number, one in enumerate(flat):
        others = [other for place, other in enumerate(flat) if place != number]
        if all(is_told_apart(one, other) for other in others):
            found.append({**one, "allOf": [*as_list(one.get("allOf")), schema]} if others else one)
    return found[:_MOST_ALTERNATIVES]


def distinct_options(schema: Schema) -> list[Schema]:
    """Each option of a choice with what only it has as required, so that a body of it fits no other by chance."""
    schema = merged(schema)
    keyword = next((word for word in _CHOICES if as_list(schema.get(word))), "")
    outer = {key: item for key, item in schema.items() if key not in {keyword, "allOf"}}
    options = [_with(outer, merged(as_object(one))) for one in as_list(schema.get(keyword))[:_MOST_ALTERNATIVES]]
    names = [as_object(one.get("properties")).keys() for one in options]
    found = []
    for number, one in enumerate(options):
        others = {name for place, own in enumerate(names) if place != number for name in own}
        own = [name for name in names[number] if name not in others]
        found.append({**one, "required": list(dict.fromkeys([*names_of(one.get("required")), *own]))})
    return found


def is_told_apart(one: Schema, other: Schema) -> bool:
    """Whether no body with the properties of one schema, each valid or not, fits the other."""
    own, others = as_object(one.get("properties")), as_object(other.get("properties"))
    for name in names_of(other.get("required")):
        if name not in own:
            return True
        mine, theirs = _values(as_object(own[name])), _values(as_object(others.get(name)))
        if mine and theirs and name in names_of(one.get("required")) and not mine & theirs:
            return True
    return False


def _values(schema: Schema) -> frozenset[str]:
    """The only values that it allows, as text; empty where there are others."""
    schema = merged(schema)
    if "const" in schema:
        return frozenset({repr(schema["const"])})
    return frozenset(map(repr, as_list(schema.get("enum"))))


def _is_only_required(options: list[Schema]) -> bool:
    return all(not as_object(one.get("properties")) and not {*_CHOICES} & one.keys() for one in options)


def _conflicts(whole: Schema, part: Schema) -> bool:
    """Whether a keyword of the part would be lost, or would mean something else among the keywords of the whole."""
    mine, theirs = as_object(whole.get("properties")), as_object(part.get("properties"))
    return (
        any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys())
        or any(whole[key] != part[key] for key in (whole.keys() & part.keys()) - _MERGED)
        or bool(_JUDGING_ALONE & (whole.keys() | part.keys()) and _restricts(whole, part))
        or "allOf" in part
    )


def _restricts(whole: Schema, part: Schema) -> bool:
    mine, theirs = as_object(whole.get("properties")), as_object(part.get("properties"))
    return any(one.get(key, True) not in (True, {}) for one in (whole, part) for key in _JUDGING_ALONE) and (
        mine.keys() != theirs.keys()
    )


def _with(whole: Schema, part: Schema) -> Schema:
    """Both as one: properties and required names together, of all else the first."""
    made = dict(whole)
    _absorb(made, part)
    return made


def _absorb(whole: Schema, part: Schema) -> None:
    """Make the part one with the whole, in place: an allOf may have thousands of parts."""
    mine, theirs = as_object(whole.get("properties")), as_object(part.get("properties"))
    kinds = types_of(whole), types_of(part)
    if theirs:
        if not isinstance(mine, _Properties):
            mine = whole["properties"] = _Properties(mine)
        for name, one in theirs.items():
            mine[name] = _both(mine[name], one) if name in mine else one
    names = names_of(part.get("required"))
    if names:
        known = whole.get("required")
        if not isinstance(known, _Names):
            known = whole["required"] = _Names(names_of(known))
        known.add(names)
    if "type" in whole and "type" in part:
        whole["type"] = next((kind for kind in kinds[0] if kind in kinds[1]), whole["type"])
    if "allOf" in part:
        whole["allOf"] = [*as_list(whole.get("allOf")), *as_list(part["allOf"])]
    for key, item in part.items():
        whole.setdefault(key, item)


def _both(one: Any, other: Any) -> Any:
    if one == other or not isinstance(one, dict) or not isinstance(other, dict):
        return other
    several = as_list(one.get("allOf"))
    return {**one, "allOf": [*several, other]} if len(several) >= _MOST_TOGETHER else merged({"allOf": [one, other]})
