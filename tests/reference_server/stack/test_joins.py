"""Where a stack lets others join: an address of this machine, and a port or none."""

import json
from pathlib import Path

import pytest

from createflow.reference_server.stack.credentials import make_certificates
from createflow.reference_server.stack.endpoints import Ports
from createflow.reference_server.stack.joins import Joins
from createflow.reference_server.stack.state import State
from createflow.schemas.error import UserError


def joins(state: State, listen: str, ports: Ports) -> Joins:
    """What ``--listen`` makes."""
    return Joins(state, listen, ports, make_certificates(state))


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A state directory with its folder for keys."""
    state = State(tmp_path / "state")
    state.keys.mkdir(parents=True)
    return state


@pytest.mark.parametrize(
    ("listen", "said"),
    [
        ("0.0.0.0", "means every address"),  # noqa: S104 - it is refused
        ("[::]:7000", "means every address"),
        ("192.0.2.1", "is no address of this machine"),
        ("nowhere.invalid", "the name is not known"),
        ("127.0.0.1:seven", "is no address"),
        ("127.0.0.1:65530", "is no address"),
        ("user@127.0.0.1", "is no address"),
        ("http://127.0.0.1", "is no address"),
        (":7000", "is no address"),
    ],
)
def test_what_others_could_not_use_is_refused(state: State, listen: str, said: str) -> None:
    """Before anything starts."""
    with pytest.raises(UserError, match=said):
        joins(state, listen, Ports())


@pytest.mark.parametrize(
    ("listen", "host", "address"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:7000", "127.0.0.1", "127.0.0.1"),
        ("localhost:7000", "localhost", None),
        ("::1", "::1", "::1"),
        ("[::1]:7000", "::1", "::1"),
    ],
)
def test_a_name_stays_one_and_an_address_is_taken_as_it_is(
    state: State, listen: str, host: str, address: str | None
) -> None:
    """Those who join verify the name."""
    made = joins(state, listen, Ports())
    assert made.host == host
    assert made.address in ({address} if address else {"127.0.0.1", "::1"})


def test_with_a_port_each_hop_has_a_port_of_its_own_whatever_else_is_there(state: State) -> None:
    """So that a firewall, or a manifest, can name them beforehand."""
    ports, first = Ports(), free_range(8)
    made = joins(state, f"127.0.0.1:{first}", ports)
    try:
        for hop in ("replica-2", "nats", "door", "primary", "valkey", "search", "pooler"):
            made.open(hop, "127.0.0.1:1", ("worker",))
        component = made.component(state.keys, monitor_port=1, index="resources", needs=())
        named = [int(port) for port in component.note.partition("ports ")[2].split(", ")]
        assert named == [first, first + 1, first + 2, first + 3, first + 4, first + 5, first + 7]
    finally:
        ports.release()


def free_range(count: int) -> int:
    """The first of so many ports in a row that are free, below those that the kernel gives to others."""
    for first in range(20_000, 32_000, count):
        ports = Ports()
        try:
            for port in range(first, first + count):
                ports.reserve(port)
        except UserError:
            continue
        finally:
            ports.release()
        return first
    raise AssertionError


def test_the_certificate_of_each_kind_is_its_own_and_of_no_server(state: State) -> None:
    """The authority of who joins signs no server, and the stack's own signs nobody who joins."""
    made = joins(state, "127.0.0.1", Ports())
    assert len(set(made.certificates.members.values())) == 3
    authority = (state.keys / "ca.pem").read_text()
    assert authority != made.certificates.members_ca_file.read_text()
    for secret in (made.certificates.proxy_file, made.certificates.balancer_file):
        assert secret.stat().st_mode & 0o077 == 0
    assert json.dumps(made.certificates.members).count("PRIVATE KEY") == 6
