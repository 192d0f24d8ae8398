"""Entity tags: strong and weak comparison, lists, and what is no tag at all."""

import pytest

from createflow.reference_server.domain.etag import names_strongly, names_weakly


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
        ("", False, False),
        ('"*"', False, False),
    ],
)
def test_a_field_names_version_two(field: str, *, strongly: bool, weakly: bool) -> None:
    """RFC 9110 §8.8.3.2: weak tags match weakly only."""
    assert (names_strongly(field, 2), names_weakly(field, 2)) == (strongly, weakly)
