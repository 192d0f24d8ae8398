"""Preconditions: strong and weak comparison of entity tags, lists, and malformed tags."""

import pytest

from createflow.reference_server.domain.preconditions import if_match_holds, if_none_match_holds


@pytest.mark.parametrize(
    ("field", "strongly", "weakly"),
    [
        ('"2"', True, True),
        ('W/"2"', False, True),
        ('"1", "2"', True, True),
        ('"1","3"', False, False),
        ("*", True, True),
        ("2", False, False),
        ('"2', False, False),
        (" ", False, False),
        ('"*"', False, False),
    ],
)
def test_a_field_names_version_two(field: str, *, strongly: bool, weakly: bool) -> None:
    """RFC 9110 §8.8.3.2: weak tags match weakly only."""
    assert (if_match_holds(field, 2), if_none_match_holds(field, 2)) == (strongly, not weakly)


def test_no_field_is_no_condition() -> None:
    """Both hold."""
    assert if_match_holds("", 2)
    assert if_none_match_holds("", 2)
