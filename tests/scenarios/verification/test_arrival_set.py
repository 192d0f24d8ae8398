"""Sets of arrivals."""

from createflow.scenarios.verification.arrival_set import first, how_many, marks


def test_sets_are_counted_and_listed() -> None:
    """Union, difference and intersection are those of integers."""
    values = bytes([0, 1, 2, 1, 0, 3])
    once, present = marks(values, {1}), marks(values, range(1, 256))
    assert first(once, 9) == [1, 3]
    assert first(present & ~once, 9) == [2, 5]
    assert how_many(present) == 4
    assert first(present, 2) == [1, 2]


def test_the_empty_set_has_no_first() -> None:
    """Also when there are no arrivals at all."""
    assert first(marks(b"", {1}), 3) == []
    assert how_many(marks(bytes(1000), {1})) == 0
