"""Sets of arrivals."""

from createflow.scenarios.verification.observed import count_arrivals, list_arrivals, select_arrivals


def test_sets_are_counted_and_listed() -> None:
    """Union, difference and intersection are those of integers."""
    values = bytes([0, 1, 2, 1, 0, 3])
    once, present = select_arrivals(values, {1}), select_arrivals(values, range(1, 256))
    assert list_arrivals(once, 9) == [1, 3]
    assert list_arrivals(present & ~once, 9) == [2, 5]
    assert count_arrivals(present) == 4
    assert list_arrivals(present, 2) == [1, 2]


def test_an_empty_set_has_no_arrivals() -> None:
    """Also if there are no arrivals at all."""
    assert list_arrivals(select_arrivals(b"", {1}), 3) == []
    assert count_arrivals(select_arrivals(bytes(1000), {1})) == 0
