"""Numbers as people read them."""

import math

import pytest

from createflow.scenarios.reports.load.figure import count, ms, percent


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.00"), (0.456, "0.46"), (9.04, "9.0"), (999.94, "999.9"), (1234.5, "1,234"), (math.inf, "inf")],
)
def test_milliseconds_keep_the_digits_that_are_known(value: float, shown: str) -> None:
    """Three or so."""
    assert ms(value) == shown


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(0.0, "0%"), (1e-6, "<0.01%"), (0.0012, "0.12%"), (0.125, "12.5%"), (0.99999, "99.99%"), (1.0, "100%")],
)
def test_a_share_is_never_rounded_to_none_or_all(ratio: float, shown: str) -> None:
    """One lost write of a million is not zero percent."""
    assert percent(ratio) == shown


def test_one_is_singular() -> None:
    """And thousands have commas."""
    assert (count(1, "user"), count(1200, "user"), count(3)) == ("1 user", "1,200 users", "3")
