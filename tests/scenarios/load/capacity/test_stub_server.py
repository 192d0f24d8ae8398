"""The stub server answers every request once, and ends with its parent."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from createflow.scenarios.load.capacity.stub_server import REPLY, count_requests

HEAD = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nAccept: */*\r\n\r\n"
REQUEST = HEAD + b"12345"


@pytest.mark.parametrize(
    ("data", "count", "rest"),
    [
        (b"", 0, b""),
        (REQUEST, 1, b""),
        (REQUEST * 3, 3, b""),
        (REQUEST + HEAD, 1, HEAD),
        (REQUEST[:-1], 0, REQUEST[:-1]),
        (HEAD[:-1], 0, HEAD[:-1]),
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" + REQUEST, 2, b""),
        (b"POST / HTTP/1.1\r\ncontent-length:5\r\n\r\n12345", 1, b""),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\n", 1, b""),
        (b"POST / HTTP/1.1\r\nContent-Length: 21\r\n\r\n\r\nContent-Length: 9\r\n", 1, b""),
    ],
)
def test_requests_are_separated(data: bytes, count: int, rest: bytes) -> None:
    """Whole ones, parts, several at once, without a body, and with a body that looks like the end of a head."""
    assert count_requests(data) == (count, rest)


@pytest.fixture
def stub() -> Iterator["subprocess.Popen[bytes]"]:
    """A running stub; gone with the test."""
    command = [sys.executable, "-m", "createflow.scenarios.load.capacity.stub_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def _port(stub: "subprocess.Popen[bytes]") -> int:
    assert stub.stdout is not None
    return int(stub.stdout.readline())


def _received(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length and (piece := connection.recv(length - len(data))):
        data += piece
    return data


def _ended(connection: socket.socket) -> bool:
    """Whether four megabytes without the end of a head are too many."""
    try:
        for _ in range(64):
            connection.sendall(b"x" * (1 << 16))
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_connections_are_kept_and_each_request_answered_once(stub: "subprocess.Popen[bytes]") -> None:
    """Two at once on one connection, in parts on the other; one that breaks off disturbs none."""
    address = ("127.0.0.1", _port(stub))
    with (
        socket.create_connection(address, 5) as first,
        socket.create_connection(address, 5) as second,
        socket.create_connection(address, 5) as broken,
    ):
        broken.sendall(HEAD)
        broken.close()
        for _ in range(3):
            first.sendall(REQUEST * 2)
            assert _received(first, 2 * len(REPLY)) == REPLY * 2
        second.sendall(REQUEST[:20])
        first.sendall(REQUEST)
        assert _received(first, len(REPLY)) == REPLY
        second.sendall(REQUEST[20:])
        assert _received(second, len(REPLY)) == REPLY


def test_a_request_that_is_too_large_ends_its_connection(stub: "subprocess.Popen[bytes]") -> None:
    """Memory is bounded."""
    with socket.create_connection(("127.0.0.1", _port(stub)), 5) as connection:
        assert _ended(connection)
        assert stub.poll() is None


def test_it_ends_when_its_owner_closes_the_pipe(stub: "subprocess.Popen[bytes]") -> None:
    """Also with open connections: no process remains when a run is killed."""
    with socket.create_connection(("127.0.0.1", _port(stub)), 5):
        assert stub.stdin is not None
        stub.stdin.close()
        assert stub.wait(10) == 0
