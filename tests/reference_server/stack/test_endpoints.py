"""Where processes listen: a reserved port keeps others out and lets the child in; sockets have short paths."""

import asyncio
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.credentials import Passwords
from createflow.reference_server.stack.endpoints import HOST, Ports, is_listening, missing_of, socket_in, status_of
from createflow.reference_server.stack.engines import pgbouncer, valkey
from createflow.reference_server.stack.engines.postgres import Cluster
from createflow.reference_server.stack.state import State
from createflow.schemas.error import UserError

DEEP = "d" * 120


def test_a_reserved_port_is_given_to_no_other_program(ports: Ports) -> None:
    """The kernel never hands it out, and a plain bind is refused."""
    port = ports.reserve()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((HOST, port))


def test_a_server_can_listen_on_a_reserved_port_again_and_again(ports: Ports) -> None:
    """As a component does that is killed and started again."""
    port = ports.reserve()
    for _ in range(2):
        with socket.create_server((HOST, port)) as server, socket.create_connection((HOST, port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            assert client.getpeername()[1] == port


@pytest.mark.parametrize(
    ("answer", "status", "missing"),
    [
        (b'HTTP/1.1 503 Service Unavailable\r\nserver: x\r\n\r\n{"missing": ["stream"]}', 503, ["stream"]),
        (b"HTTP/1.1 200 OK\r\n\r\n[]", 200, []),
        (b"HTTP/1.1 200 OK\r\n", None, []),
        (b"nonsense\r\n\r\n", None, []),
        (b"", None, []),
    ],
)
def test_an_answer_is_read_whatever_it_is(answer: bytes, status: int | None, missing: list[str]) -> None:
    """What is cut off or no HTTP is no answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def ask() -> tuple[int | None, list[str]]:
        async with await asyncio.start_server(serve, HOST, 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await status_of(f"http://{HOST}:{port}/readyz"), await missing_of(port)

    assert asyncio.run(ask()) == (status, missing)


def test_reservations_differ(ports: Ports) -> None:
    """Twenty of them are twenty ports."""
    assert len({ports.reserve() for _ in range(20)}) == 20


def test_a_port_that_is_in_use_is_named(ports: Ports) -> None:
    """The error names the port and the way to use another."""
    with socket.create_server((HOST, 0)) as server, pytest.raises(UserError) as caught:
        ports.reserve(server.getsockname()[1])
    assert str(server) != caught.value.message
    assert "cannot be used" in caught.value.message
    assert "--port" in caught.value.hint


def test_listening_is_seen_and_a_mere_reservation_is_not(ports: Ports) -> None:
    """The supervisor waits for this difference."""
    port = ports.reserve()
    assert not is_listening(port)
    with socket.create_server((HOST, port)):
        assert is_listening(port)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short path: those of pytest contain the test's name."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


def test_haproxy_accepts_the_longest_socket_path(tmp_path: Path) -> None:
    """HAProxy has the lowest limit; with one byte more it does not start."""
    directory = tmp_path / ("x" * (97 - len(str(tmp_path)) - len("/") - len("/s")))
    directory.mkdir()
    path = socket_in(directory, "s")
    assert path is not None
    assert _haproxy_takes(path, tmp_path)
    assert socket_in(directory, "ss") is None
    assert not _haproxy_takes(directory / "ss", tmp_path)


def _haproxy_takes(path: Path, directory: Path) -> bool:
    file = directory / "haproxy.cfg"
    file.write_text(f"defaults\n timeout connect 1s\nlisten a\n bind 127.0.0.1:1\n server s unix@{path}\n")
    argv = [str(binaries.require(binaries.HAPROXY)), "-c", "-f", str(file)]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _cluster(data: Path) -> Cluster:
    data.mkdir()
    return Cluster(data=data, user=None, passwords=Passwords(), ports=(40001, 40002), schema="")


def test_postgres_is_reached_through_a_socket_for_our_user_only(place: Path) -> None:
    """No other user can enter its directory."""
    cluster = _cluster(place / "data")
    cluster.components()
    assert cluster.local_dsn("app", "secret", 1).endswith("sockets&port=40002")
    assert (place / "data" / "sockets").stat().st_mode & 0o777 == 0o700


def test_postgres_is_reached_over_tcp_from_a_deep_directory(place: Path) -> None:
    """The primary's connection string and the replicas' alike."""
    cluster = _cluster(place / DEEP)
    assert cluster.local_dsn("app", "secret", 1) == cluster.dsn("app", "secret", 1)
    assert cluster.host == HOST


def test_the_pooler_is_reached_over_tcp_from_a_deep_directory(place: Path) -> None:
    """And through its socket from a directory with a short path."""
    passwords = Passwords()
    assert pgbouncer.local_dsn(passwords, place / DEEP, 40003) == pgbouncer.dsn(passwords, 40003)
    assert HOST not in pgbouncer.local_dsn(passwords, place, 40003)


@pytest.mark.parametrize(("name", "listens"), [("shallow", True), (DEEP, False)])
def test_valkey_listens_where_its_clients_look(name: str, listens: bool, place: Path) -> None:  # noqa: FBT001 - a parameter of the test
    """On a socket for our user only, or on its port only."""
    state = State(place / "state")
    directory = place / name
    directory.mkdir()
    valkey.declare(state, directory, Passwords(), 40004)
    configuration = (directory / "valkey.conf").read_text()
    assert (f"unixsocket {directory}/valkey.sock\nunixsocketperm 700\n" in configuration) == listens
    expected = f"unix://app:secret@{directory}/valkey.sock?db=0" if listens else valkey.url("app", "secret", 40004)
    assert valkey.local_url("app", "secret", directory, 40004) == expected
