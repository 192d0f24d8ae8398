"""Sets of arrivals."""

from createflow.scenarios.verification.observed import arrivals_with, count_arrivals, first_arrivals


def test_sets_are_counted_and_listed() -> None:
    """Union, difference and intersection are those of integers."""
    values = bytes([0, 1, 2, 1, 0, 3])
    once, present = arrivals_with(values, {1}), arrivals_with(values, range(1, 256))
    assert first_arrivals(once, 9) == [1, 3]
    assert first_arrivals(present & ~once, 9) == [2, 5]
    assert count_arrivals(present) == 4
    assert first_arrivals(present, 2) == [1, 2]


def test_an_empty_set_has_no_arrivals() -> None:
    """Also if there are no arrivals at all."""
    assert first_arrivals(arrivals_with(b"", {1}), 3) == []
    assert count_arrivals(arrivals_with(bytes(1000), {1})) == 0
