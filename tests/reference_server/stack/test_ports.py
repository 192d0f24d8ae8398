"""Ports: a reservation keeps others out and lets the child in."""

import socket

import pytest

from createflow.reference_server.stack.ports import HOST, Ports, somebody_listens
from createflow.schemas.error import UserError


def test_a_reserved_port_is_given_to_nobody_else(ports: Ports) -> None:
    """The kernel never hands it out, and a plain bind is refused."""
    port = ports.reserve()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((HOST, port))


def test_a_server_can_listen_on_a_reserved_port_again_and_again(ports: Ports) -> None:
    """As a component does that is killed and started."""
    port = ports.reserve()
    for _ in range(2):
        with socket.create_server((HOST, port)) as server, socket.create_connection((HOST, port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            assert client.getpeername()[1] == port


def test_reservations_differ(ports: Ports) -> None:
    """Twenty of them are twenty ports."""
    assert len({ports.reserve() for _ in range(20)}) == 20


def test_a_port_where_somebody_listens_is_named(ports: Ports) -> None:
    """The user learns which port, and how to do without."""
    with socket.create_server((HOST, 0)) as server, pytest.raises(UserError) as caught:
        ports.reserve(server.getsockname()[1])
    assert str(server) != caught.value.message
    assert "cannot be used" in caught.value.message
    assert "--port" in caught.value.hint


def test_listening_is_seen_and_a_mere_reservation_is_not(ports: Ports) -> None:
    """That difference is what the supervisor waits for."""
    port = ports.reserve()
    assert not somebody_listens(port)
    with socket.create_server((HOST, port)):
        assert somebody_listens(port)
