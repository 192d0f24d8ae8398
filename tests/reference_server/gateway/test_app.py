"""What the gateway takes from the head of a request: its trace for the log, and when the balancer passed it on."""

import time

import pytest

from createflow.reference_server.gateway.app import _trace_of, _waited

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("headers", "logged"),
    [
        ([(b"accept", b"*/*"), (b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())], {"trace_id": TRACE}),
        ([(b"traceparent", f"cc-{TRACE}-00f067aa0ba902b7-01-more".encode())], {"trace_id": TRACE}),
        ([(b"traceparent", b"00-\n-x-01")], {}),
        ([(b"accept", b"*/*")], {}),
    ],
)
def test_the_trace_of_the_client_is_in_the_log(headers: list[tuple[bytes, bytes]], logged: dict[str, str]) -> None:
    """If it is one: of this version of the header, or of a later one that begins alike."""
    assert _trace_of(headers) == logged


def test_the_wait_since_the_balancer_is_told() -> None:
    """In nanoseconds, from the balancer's microseconds."""
    ((name, waited_ns),) = _waited(b"t=%d" % (time.time_ns() // 1000 - 5_000))
    assert name == "balancer_queue"
    assert 5_000_000 <= waited_ns < 60 * 10**9


@pytest.mark.parametrize(
    "sent",
    [b"", b"1796002274371000", b"t=", b"t=-5", b"t=1e9", b"t=0", b"t=" + b"9" * 18, b"t=" + b"9" * 5000, b"t=\xb2"],
)
def test_what_is_no_time_of_the_balancer_is_left_out(sent: bytes) -> None:
    """Without the balancer any client can send the field."""
    assert _waited(sent) == []
