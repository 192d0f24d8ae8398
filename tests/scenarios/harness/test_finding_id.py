"""A finding has a name that lasts from run to run, and another finding has another."""

import pytest

from createflow.scenarios.harness.finding_id import finding_id, fingerprint
from createflow.schemas.report import Finding


def finding(expected: str, seen: str) -> Finding:
    """What counts of one."""
    return Finding(promised="p", expected=expected, seen=seen, source="s")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("500 with '{\"id\": 41}'", "500 with '{\"id\": 7}'"),
        ('500 with "{\\"id\\": 41, \\"n\\": 5}"', '500 with "{\\"id\\": 7, \\"n\\": 61}"'),
        (
            "created_by = 'createflow-0a1b2c3d-7-response-writer'",
            "created_by = 'createflow-ffffffff-12-response-writer'",
        ),
        ("id 01a204f0-cc20-76a7-93d9-47659638340d", "id 01a204f0-cc20-76a7-93d9-476596383400"),
        ("at 2026-11-22T20:26:59.486979Z", "at 2027-01-01T00:00:00Z"),
        ("name createflow n0123456789abcdef", "name createflow nfedcba9876543210"),
        ("after 0.35 s", "after 1.20 s"),
        ("http://127.0.0.1:45671/r", "http://127.0.0.1:39999/r"),
    ],
)
def test_what_changes_from_run_to_run_does_not_change_the_name(one: str, other: str) -> None:
    """Ids, times, nonces, ports."""
    assert finding_id("a", finding("x", one)) == finding_id("a", finding("x", other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("200", "500"), ("no Location", "two Locations"), ("3 of 5 rows", "4 of 5 rows"), ("field 'a'", "field 'b'")],
)
def test_another_thing_seen_has_another_name_and_the_same_fingerprint(one: str, other: str) -> None:
    """The alert stays the same one; the replay says that it changed."""
    assert finding_id("a", finding("x", one)) != finding_id("a", finding("x", other))
    assert fingerprint("a", finding("x", one)) == fingerprint("a", finding("x", other))


def test_another_promise_or_check_has_another_fingerprint() -> None:
    """One check can fail in more than one way."""
    assert (
        len(
            {
                fingerprint("a", finding("x", "s")),
                fingerprint("a", finding("y", "s")),
                fingerprint("b", finding("x", "s")),
            }
        )
        == 3
    )
