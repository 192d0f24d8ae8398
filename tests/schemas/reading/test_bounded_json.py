"""JSON of strangers is counted before it is built."""

import json

import pytest

from createflow.schemas.reading.bounded_json import MOST_DIGITS, Malformed, parse_json


def test_a_usual_text_is_read() -> None:
    """Exactly as the standard library reads it."""
    value = {"a": [1, -2.5e3, True, None, "é😀"], "b": {}}
    assert parse_json(json.dumps(value), most_parts=20) == value
    assert parse_json(json.dumps(10**300), most_parts=1) == 10**300


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 1000, "more than 100 levels"),
        ("[" * 102 + "]" * 102, "more than 100 levels"),
        ("[[],[],[],[],[],[],[],[],[],[]]", "more than 10 parts"),
        ('{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}', "more than 10 parts"),
        ("[" + "[]," * 1_000_000, "more than 10 parts"),
        ("NaN", "NaN is not a number of JSON"),
        ("-Infinity", "-Infinity is not a number of JSON"),
        ("1e999", "'1e999' is too large"),
        ("1" * (MOST_DIGITS + 1), "a number of 401 digits"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        (r'"\ud800"', "half a surrogate pair"),
        (r'{"\udfff": 1}', "half a surrogate pair"),
        ("{", "not JSON: line 1"),
        ("[1,\n]", "not JSON: line 2"),
        ("\ufeff{}", "not JSON: line 1"),
        ('"\u0000"', "not JSON: line 1"),
    ],
    ids=[
        "levels, not closed",
        "levels",
        "lists",
        "keys",
        "many lists",
        "NaN",
        "infinity",
        "large",
        "digits",
        "twice",
        "surrogate",
        "surrogate key",
        "cut off",
        "comma",
        "BOM",
        "NUL",
    ],
)
def test_a_hostile_text_is_refused_with_the_reason(text: str, reason: str) -> None:
    """One error for all of them."""
    with pytest.raises(Malformed, match=reason):
        parse_json(text, most_parts=10 if "parts" in reason else 1000)
