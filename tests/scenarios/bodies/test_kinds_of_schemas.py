"""A body can be made of every kind of schema that create endpoints have, and another judge says that it fits."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from createflow.scenarios.bodies.formats import strategies
from createflow.scenarios.bodies.generate import fitting, generate_invalid_bodies, generate_valid_bodies


def _with(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}


KINDS: dict[str, dict[str, Any]] = {
    "int32": _with(a={"type": "integer", "format": "int32"}),
    "int64": _with(a={"type": "integer", "format": "int64"}),
    "multipleOf": _with(a={"type": "integer", "multipleOf": 7}),
    "multipleOf float": _with(a={"type": "number", "multipleOf": 0.01}),
    "multipleOf .05 bounds": _with(a={"type": "number", "multipleOf": 0.05, "exclusiveMinimum": 0, "maximum": 0.2}),
    "int multipleOf float": _with(a={"type": "integer", "multipleOf": 2.5, "minimum": 1}),
    "exclusive": _with(a={"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5}),
    "exclusive num": _with(a={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
    "small num": _with(a={"type": "number", "minimum": 0.1, "maximum": 0.2}),
    "big": _with(a={"type": "integer", "minimum": 10**18}),
    "neg": _with(a={"type": "number", "maximum": -(10**9)}),
    "lat": _with(a={"type": "number", "minimum": -90, "maximum": 90, "format": "double"}),
    "recursion": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name", "children"],
    },
    "recursion defs": {
        **_with(tree={"$ref": "#/$defs/T"}),
        "$defs": {
            "T": {
                "type": "object",
                "required": ["v"],
                "properties": {
                    "v": {"type": "integer"},
                    "l": {"$ref": "#/$defs/T"},
                    "r": {"anyOf": [{"$ref": "#/$defs/T"}, {"type": "null"}]},
                },
            }
        },
    },
    "anyOf null": _with(a={"anyOf": [{"type": "string", "minLength": 3}, {"type": "null"}]}),
    "nullable type list": _with(a={"type": ["string", "null"], "maxLength": 3}),
    "oneOf discr": _with(
        a={
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"k": {"const": "a"}, "x": {"type": "integer"}},
                    "required": ["k", "x"],
                },
                {
                    "type": "object",
                    "properties": {"k": {"const": "b"}, "y": {"type": "string"}},
                    "required": ["k", "y"],
                },
            ]
        }
    ),
    "oneOf top": {
        "type": "object",
        "properties": {"k": {"type": "string"}},
        "required": ["k"],
        "oneOf": [
            {"properties": {"k": {"const": "a"}, "x": {"type": "integer"}}, "required": ["x"]},
            {"properties": {"k": {"const": "b"}}},
        ],
    },
    "allOf": {"allOf": [_with(a={"type": "string"}), _with(b={"type": "integer", "minimum": 3})]},
    "allOf overlap": {"allOf": [_with(a={"type": "string", "minLength": 5}), _with(a={"maxLength": 8})]},
    "allOf ref sib": {
        **_with(a={"$ref": "#/$defs/s", "maxLength": 5}),
        "$defs": {"s": {"type": "string", "minLength": 4}},
    },
    "unevaluated": {
        "allOf": [_with(a={"type": "string"})],
        "properties": {"b": {"type": "integer"}},
        "unevaluatedProperties": False,
    },
    "uniqueItems": _with(a={"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 2}),
    "prefixItems": _with(
        a={"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2}
    ),
    "contains": _with(a={"type": "array", "contains": {"const": "x"}, "items": {"type": "string"}}),
    "minItems 10": _with(a={"type": "array", "items": {"type": "integer"}, "minItems": 10}),
    "minProps": _with(a={"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}}),
    "maxProps": {
        "type": "object",
        "properties": {"a": {}, "b": {}, "c": {}, "d": {}},
        "required": ["a"],
        "maxProperties": 2,
    },
    "propertyNames": _with(a={"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}, "minProperties": 1}),
    "patternProps": _with(
        a={"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False}
    ),
    "dependentRequired": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "integer"}},
        "dependentRequired": {"a": ["b"]},
    },
    "if": {
        "type": "object",
        "properties": {"k": {"enum": ["a", "b"]}, "x": {"type": "integer"}},
        "required": ["k"],
        "if": {"properties": {"k": {"const": "a"}}},
        "then": {"required": ["x"]},
    },
    "not": _with(a={"type": "string", "not": {"const": ""}, "minLength": 1}),
    "slug": _with(a={"type": "string", "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$", "maxLength": 30}),
    "ecma d": _with(a={"type": "string", "pattern": r"^\d{4}-\d{2}$"}),
    "ecma named": _with(a={"type": "string", "pattern": r"^(?<year>\d{4})\/(?<m>\d\d)$"}),
    "ecma letters": _with(a={"type": "string", "pattern": r"^\p{L}[\p{L}\p{N} '-]*$", "maxLength": 50}),
    "ecma script": _with(a={"type": "string", "pattern": r"^\p{Script=Greek}{3,8}$"}),
    "ecma P": _with(a={"type": "string", "pattern": r"^\P{Lu}{3}$"}),
    "ecma lookahead": _with(a={"type": "string", "pattern": r"^(?=.*\d)(?=.*[a-z]).{8,20}$"}),
    "ecma control": _with(a={"type": "string", "pattern": r"^[^\x00-\x1F\x7F]{1,64}$"}),
    "ecma u": _with(a={"type": "string", "pattern": r"^[\u0041-\u005A]{3}$"}),
    "e164": _with(a={"type": "string", "pattern": r"^\+[1-9]\d{1,14}$"}),
    "hex": _with(a={"type": "string", "pattern": "^#(?:[0-9a-fA-F]{3}){1,2}$"}),
    "long class": _with(a={"type": "string", "pattern": "^[A-Za-z0-9_-]*$", "minLength": 20, "maxLength": 40}),
    "long class2": _with(a={"type": "string", "pattern": "^[a-z]+$", "minLength": 32, "maxLength": 64}),
    "long words": _with(a={"type": "string", "pattern": r"^\w+( \w+)*$", "minLength": 25, "maxLength": 64}),
    "unanchored": _with(a={"type": "string", "pattern": "[0-9]", "maxLength": 10}),
    "contentEncoding": _with(a={"type": "string", "contentEncoding": "base64"}),
    "const": _with(a={"const": 5}),
    "enum mixed": _with(a={"enum": [1, "a", None]}),
    "no type": _with(a={"minimum": 3}),
    "true": _with(a=True),
    "readonly none": {"properties": {"a": {"type": "string"}}},
    "deep": _with(a=_with(b=_with(c=_with(d={"type": "string", "format": "uuid"})))),
    "$anchor": {**_with(a={"$ref": "#s"}), "$defs": {"x": {"$anchor": "s", "type": "integer", "minimum": 2}}},
    "dynamic": {
        **_with(a={"type": "array", "items": {"$dynamicRef": "#n"}}),
        "$defs": {"n": {"$dynamicAnchor": "n", "type": "integer"}},
    },
    "format+pattern": _with(a={"type": "string", "format": "date", "pattern": "^20"}),
    "email max": _with(a={"type": "string", "format": "email", "maxLength": 20}),
}

FORMATS = [*strategies(), "binary", "password", "phone"]
NOT_FOR_JSONSCHEMA = {
    *(f"ecma {kind}" for kind in ("letters", "script", "P", "named")),
    "multipleOf float",
    "multipleOf .05 bounds",
}
"""It takes patterns for Python's, and divides binary fractions."""


@pytest.mark.parametrize("kind", KINDS)
def test_bodies_of_a_kind_are_made_and_fit(kind: str) -> None:
    """At once: no body takes a second."""
    schema = KINDS[kind]
    bodies = generate_valid_bodies(schema, 1, 5)
    assert bodies
    if kind not in NOT_FOR_JSONSCHEMA:
        judge = Draft202012Validator(schema)
        assert [body for body in bodies if not judge.is_valid(body)] == []


@pytest.mark.parametrize("name", FORMATS)
def test_text_of_a_format_is_made(name: str) -> None:
    """Also of one that nobody knows."""
    assert generate_valid_bodies(_with(a={"type": "string", "format": name}), 1, 2)


@pytest.mark.parametrize(
    ("rules", "value", "verdict"),
    [
        ({"type": "integer", "format": "int32"}, 2**31 - 1, True),
        ({"type": "integer", "format": "int32"}, 2**31, None),
        ({"type": "integer", "format": "int32"}, 1.5, False),
        ({"type": "integer", "format": "uint8", "maximum": 10}, 11, False),
        ({"type": "string", "format": "byte"}, "a=b", None),
        ({"type": "string", "format": "ipv4"}, "1.2.3.256", None),
        ({"type": "string", "format": "duration"}, "1 day", None),
        ({"type": "string", "format": "hostname"}, "-a-", None),
        ({"type": "string", "format": "time"}, "25:00:00Z", None),
        ({"type": "string", "pattern": r"^\d+$"}, "\u0663", False),
        ({"type": "string", "pattern": r"^\p{L}+$"}, "\u00e9", True),
    ],
)
def test_a_value_that_only_a_format_forbids_is_neither_valid_nor_invalid(
    rules: dict[str, Any], value: Any, verdict: object
) -> None:
    """JSON Schema Validation 2020-12 §7.2: a server may look at formats or not. Patterns are of ECMA-262."""
    assert fitting(_with(a=rules), "a", [value]) == [verdict]


def test_what_only_a_format_forbids_is_not_sent_as_invalid() -> None:
    """Any text is of the type, so only other types are mistakes."""
    schema = _with(a={"type": "string", "format": "email"})
    made = generate_invalid_bodies(schema, [{"a": "a@example.com"}] * 30, 1)
    assert made
    assert not any(isinstance(body.get("a"), str) for body, _ in made)
