"""A copy's value is the reply's value, whatever type the copy keeps it in."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from createflow.scenarios.sinks.field_equality import differences, equal

ID = "01a204ff-69fc-700a-93e4-60fedc3e1e59"
MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ("x", "x"),
        (ID, UUID(ID)),
        ("12345", 12345),
        ("2024-01-02T03:04:05.678901Z", MOMENT),
        ("2024-01-02T03:04:05Z", MOMENT),
        ("2024-01-02T03:04:05.678Z", MOMENT),
        ("2024-01-02T03:04:05.678901Z", MOMENT.astimezone(timezone(timedelta(hours=5)))),
        ("2024-01-02T03:04:05Z", "2024-01-02T05:04:05+02:00"),
        ({"a": [1, None]}, {"a": [1, None]}),
        ({"a": 1e40}, {"a": 10**40}),
    ],
)
def test_the_same(shown: object, kept: object) -> None:
    """Ids, times in every offset and precision, and nested JSON."""
    assert equal(shown, kept)


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ("x", "y"),
        ("x", None),
        ("None", None),
        ("True", True),
        ("1", "01"),
        (1, "1"),
        ({"a": 1e40}, {"a": 10**40 + 10**30}),
        ({"a": 1e300}, {"a": 10**400}),
        ("2024-01-02T03:04:05.678Z", MOMENT + timedelta(milliseconds=2)),
        ("2024-01-02T03:04:05Z", MOMENT.replace(tzinfo=None)),
        ("2024-01-02T03:04:05", MOMENT),
        ({"a": 1}, {"a": 2}),
    ],
)
def test_not_the_same(shown: object, kept: object) -> None:
    """Near is not enough, and neither is looking alike."""
    assert not equal(shown, kept)


def test_differences_are_what_the_copy_lacks_or_has_otherwise() -> None:
    """What the copy has beside it is its own business."""
    assert differences({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 0, "d": 9}) == ["b", "c"]
