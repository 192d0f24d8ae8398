"""Values in findings."""

import datetime as dt
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from createflow.scenarios.text.in_json import in_json


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("d'être", '"d\'être"'),
        ('"', '"\\""'),
        ({"a": [None]}, '{"a": [null]}'),
        ("\ud800", '"\\ud800"'),
        ("a\x1b[2J\u202e", '"a\\u001b[2J\\u202e"'),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), '"2026-01-02 00:00:00+00:00"'),
        (Decimal("1.50"), '"1.50"'),
        (math.nan, "NaN"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
    ],
)
def test_values_are_shown_as_the_target_writes_them(value: object, shown: str) -> None:
    """And nothing that does not print comes through."""
    assert in_json(value) == shown


def test_an_object_in_itself_is_shown() -> None:
    """Nothing of JSON is one, but a value of a driver may be."""
    value: list[object] = []
    value.append(value)
    assert in_json(value) == "[[...]]"


@given(st.text() | st.floats() | st.lists(st.text()))
def test_one_printable_line_comes_of_anything(value: object) -> None:
    """Findings are lines."""
    assert in_json(value).isprintable()
