"""What the gateway writes into its log about a request."""

import pytest

from createflow.reference_server.gateway.app import _trace_of

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
