"""Text and numbers as people read them."""

import math

import pytest

from createflow.scenarios.reports.format.text import format_count, format_ms, format_percent, one_line


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.00"), (0.456, "0.46"), (9.04, "9.0"), (999.94, "999.9"), (1234.5, "1,234"), (math.inf, "inf")],
)
def test_milliseconds_keep_the_digits_that_are_known(value: float, shown: str) -> None:
    """Three or so."""
    assert format_ms(value) == shown


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(0.0, "0%"), (1e-6, "<0.01%"), (0.0012, "0.12%"), (0.125, "12.5%"), (0.99999, "99.99%"), (1.0, "100%")],
)
def test_a_share_is_never_rounded_to_none_or_all(ratio: float, shown: str) -> None:
    """One lost write of a million is not zero percent."""
    assert format_percent(ratio) == shown


def test_one_is_singular() -> None:
    """And thousands have commas."""
    assert (format_count(1, "user"), format_count(1200, "user"), format_count(3)) == ("1 user", "1,200 users", "3")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain é", "plain é"), ("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), ("\u202e", "\\u202e"), ("", "")],
)
def test_text_is_one_printable_line(text: str, shown: str) -> None:
    """No control character and no direction override survives."""
    assert one_line(text) == shown
