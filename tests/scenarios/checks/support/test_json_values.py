"""What a value is compared with and how it is shown decides whether a server is accused of having changed it."""

import pytest

from createflow.scenarios.checks.support.json_values import (
    NOTHING,
    as_doubles,
    at,
    exact,
    has_constants,
    is_same,
    short,
)


@pytest.mark.parametrize(
    ("sent", "shown", "same"),
    [
        (b"9007199254740993", b"9007199254740992", False),
        (b"1.10", b"1.1", True),
        (b"1", b"true", False),
        (b'"1"', b"1", False),
        (b'{"e\\u0301": [1]}', '{"\u00e9": [1]}'.encode(), True),
        (b"[1, 2]", b"[1]", False),
        (b"null", b"{}", False),
    ],
)
def test_values_are_the_same_to_the_last_digit(sent: bytes, shown: bytes, *, same: bool) -> None:
    """And of the same type; texts in NFC."""
    assert is_same(exact(sent), exact(shown)) is same


def test_what_a_double_cannot_hold_is_told_apart() -> None:
    """Such a loss is a weaker finding."""
    sent, shown = exact(b'{"a": [9007199254740993]}'), exact(b'{"a": [9007199254740992]}')
    assert not is_same(sent, shown)
    assert is_same(as_doubles(sent), as_doubles(shown))


def test_values_are_shown_as_json() -> None:
    """Not as Python writes them; long ones are cut."""
    assert short(exact(b'{"k": [-9007199254740992, null, true, "a"]}')) == '{"k": [-9007199254740992, null, true, "a"]}'
    assert short("x" * 100).endswith("(102 characters)")
    assert short(at({"a": {}}, ("a", "b"))) == "nothing"
    assert at({"a": {"b": None}}, ("a", "b")) is None
    assert at([], ("a",)) is NOTHING


def test_constants_are_no_json() -> None:
    """``json`` reads them all the same."""
    assert has_constants(exact(b'{"a": [NaN]}'))
    assert not has_constants(exact(b'{"a": [1.5]}'))
