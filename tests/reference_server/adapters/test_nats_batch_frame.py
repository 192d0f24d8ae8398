"""Parts that travel as one message arrive as they were."""

import pytest

from createflow.reference_server.adapters.nats_batch_frame import BYTES_MAX, PARTS_MAX, join, portions, split


def test_parts_arrive_as_they_were() -> None:
    """Whatever bytes they hold, empty ones and line ends too, and in whatever order they are."""
    parts = [(3, b"{}\n[1]"), (0, b""), (7, b"\n"), (1, "ü".encode())]
    assert split(join(parts)) == parts


@pytest.mark.parametrize("message", [b"", b"[[0,3]]\nab", b"[[0,1]]\nab", b"[0]\na", b"ab"])
def test_what_is_not_a_handful_is_refused(message: bytes) -> None:
    """With an error that says so, not with parts that were never sent."""
    with pytest.raises((ValueError, TypeError)):
        split(message)


def test_a_portion_fits_into_a_message() -> None:
    """By number and by size; a large part travels alone rather than not at all."""
    small = [(place, b"x") for place in range(PARTS_MAX + 1)]
    assert [len(portion) for portion in portions(small)] == [PARTS_MAX, 1]
    large = [(0, b"x" * BYTES_MAX), (1, b"x"), (2, b"x" * (BYTES_MAX + 1)), (3, b"x")]
    assert [[place for place, _ in portion] for portion in portions(large)] == [[0], [1], [2], [3]]
    assert list(portions([])) == []
