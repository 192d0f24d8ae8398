"""What a target sends is a value or refused; nothing else is raised, and nothing hangs."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from createflow.scenarios.target.received import (
    MAX_DEPTH,
    NotJson,
    delay_seconds,
    http_date,
    is_entity_tag,
    json_of,
    rfc_3339,
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "Expecting value"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"1e999999", "too large"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b"\xff\xfe", "decode"),
        (b"[" * 100_000, "nested"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested"),
        (b"[" + b"1," * 300_000 + b"1]", "values"),
        (b"9" * 5_000, "digits"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_body_out_of_bounds_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    """Strict JSON, of bounded depth and size."""
    with pytest.raises(NotJson, match=reason):
        json_of(body)


@given(st.binary())
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    """What is accepted can be written again."""
    try:
        value = json_of(body)
    except NotJson:
        return
    json.dumps(value, allow_nan=False).encode("utf-8")


@given(st.text())
def test_any_text_is_a_value_or_none(text: str) -> None:
    """For each kind of header value."""
    delay_seconds(text)
    http_date(text)
    rfc_3339(text)
    is_entity_tag(text)


def test_valid_values_are_read() -> None:
    """By the grammar of their RFC."""
    assert delay_seconds(" 120 ") == 120
    assert http_date("Sun, 06 Nov 1994 08:49:37 GMT") == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert rfc_3339("2026-11-29T01:02:03.5+01:00") == datetime(2026, 11, 29, 0, 2, 3, 500_000, tzinfo=UTC)
    assert is_entity_tag('W/"1"')


@pytest.mark.parametrize("value", ["-1", "+1", "1_0", "1.5", "٣", "1e3", "9" * 10])
def test_a_delay_has_ascii_digits_only(value: str) -> None:
    """``int()`` reads more than the grammar has."""
    assert delay_seconds(value) is None
