"""Raw replies are read by the grammar of RFC 9112; what does not fit it ends the reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from createflow.scenarios.target.raw_http import MAX_HEADER_BYTES, MAX_INTERIM_REPLIES, RawReplies

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def _read(data: bytes, step: int = 65536) -> RawReplies:
    replies = RawReplies()
    for begin in range(0, len(data), step):
        replies.feed(data[begin : begin + step])
    replies.end()
    return replies


@pytest.mark.parametrize("step", [1, 7, 65536])
def test_replies_on_one_connection_are_told_apart(step: int) -> None:
    """With interim replies between, a body in chunks, and one that ends with the connection."""
    data = OK + b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + CHUNKED + b"2\r\n{}\r\n0\r\nx: y\r\n\r\n"
    data += b"HTTP/1.1 404 Not Found\r\n\r\nthe rest"
    replies = _read(data, step)
    assert [(reply.status, reply.body) for reply in replies.complete] == [
        (200, b"{}"),
        (200, b"{}"),
        (404, b"the rest"),
    ]
    assert replies.problem == ""


@pytest.mark.parametrize(
    "data",
    [
        CHUNKED + b"-2\r\n" + b"{}\r\n" * 2000,
        CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"1_0\r\n{}\r\n",
        CHUNKED + b"ffffffffffffffffff\r\n{}",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nbad name: 1\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.1 103 Early\r\n\r\n" * (MAX_INTERIM_REPLIES + 1) + OK,
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * MAX_HEADER_BYTES + b"\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ],
    ids=lambda data: str(data[-30:]),
)
def test_what_is_no_reply_ends_the_reading_with_a_reason(data: bytes) -> None:
    """Nothing is guessed from it."""
    replies = _read(data)
    assert replies.problem
    assert replies.complete == []


@given(st.lists(st.sampled_from([OK, CHUNKED, b"2\r\n{}\r\n", b"0\r\n\r\n", b"HTTP/1.1 ", b"\r\n"]) | st.binary()))
def test_any_bytes_end_without_an_error(parts: list[bytes]) -> None:
    """Whatever a target sends."""
    replies = RawReplies()
    for part in parts:
        replies.feed(part)
    replies.end()
    assert all(200 <= reply.status <= 999 for reply in replies.complete)
