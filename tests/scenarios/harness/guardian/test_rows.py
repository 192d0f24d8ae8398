"""What a load created, as its guardian keeps it."""

from createflow.scenarios.harness.guardian.rows import Rows


def test_rows_that_were_tried_are_not_tried_again() -> None:
    """They are counted from the first, in the order in which they were told."""
    rows = Rows()
    rows.add([[0, "/a/0", "0"], [3, "/a/3", "3"]])
    rows.add([[1, "/a/1", ""]])
    rows.tried = 1
    assert (rows.count, rows.remaining) == (3, 2)
    assert list(rows.to_try()) == [(3, "/a/3", "3"), (1, "/a/1", "")]


def test_what_is_told_twice_is_kept_once() -> None:
    """A load process repeats what it told last: it does not know what its parent still heard."""
    rows = Rows()
    rows.add([[0, "/a/0", "0"], [1, "/a/1", "1"]])
    rows.add_late([[1, "/a/1", "1"], [2, "/a/2", "2"]])
    assert [k for k, _, _ in rows.to_try()] == [0, 1, 2]


def test_there_is_a_bound() -> None:
    """What is beyond it stays on the target, and whoever tells it hears so."""
    rows = Rows()
    rows.MOST_KEPT_BYTES = 10
    assert rows.add([[0, "/a/0", "0"]])
    assert not rows.add([[1, "/a/1", "1"]])
    assert rows.count == 1
