"""What is taken from ``Server-Timing``, which comes from the target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from createflow.scenarios.load.accounting.server_timing import MAX_METRICS, server_timing_in

LINE = b"HTTP/1.1 201 Created\r\nServer-Timing: %b\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("field", "found"),
    [
        (b"db;dur=53, app;dur=47.2", {"db": 53.0, "app": 47.2}),
        (b'cache;desc="Cache, read; twice";dur=23.2', {"cache": 23.2}),
        (b'dc;desc="a \\" b", x ; dur = "1.5"', {"x": 1.5}),
        (b"miss, db;dur=1, db;dur=2", {"db": 3.0}),
        (b"a;DUR=1;dur=2", {"a": 1.0}),
        (b"a;dur=1e2", {"a": 100.0}),
        (b"", {}),
        (b",,;dur=1,=;dur", {}),
        (b"a;dur=NaN, b;dur=inf, c;dur=-1, d;dur=1e9, e;dur=1_0, f;dur=, g;dur", {}),
        (b"<script>;dur=1, a b;dur=1, \xe9;dur=1, " + b"n" * 65 + b";dur=1", {}),
        (b'open;desc="never closed, db;dur=1', {}),
    ],
)
def test_metrics_with_a_duration_are_found(field: bytes, found: dict[str, float]) -> None:
    """What is no metric is left out, and the rest is kept (W3C Server Timing, section 3)."""
    assert server_timing_in(LINE % field) == found


def test_the_field_may_come_in_several_lines_and_in_any_case() -> None:
    """A body that looks like one is no field."""
    head = b"HTTP/1.1 200 OK\r\nserver-timing: a;dur=1\r\nX: y\r\nSERVER-TIMING: b;dur=2\r\n\r\n"
    assert server_timing_in(head + b"\r\nServer-Timing: c;dur=3\r\n\r\n") == {"a": 1.0, "b": 2.0}


def test_the_number_of_metrics_is_bounded() -> None:
    """The first ones are taken."""
    field = b", ".join(b"m%d;dur=1" % number for number in range(3 * MAX_METRICS))
    assert list(server_timing_in(LINE % field)) == [f"m{number}" for number in range(MAX_METRICS)]


@given(st.binary(max_size=300) | st.text(';,="\\ durab1.', max_size=200).map(str.encode))
def test_any_bytes_are_parsed(field: bytes) -> None:
    """Names are tokens, and durations finite numbers of milliseconds."""
    for name, ms in server_timing_in(LINE % field).items():
        assert name.isascii()
        assert name.isprintable()
        assert 0 <= ms < 1e8
