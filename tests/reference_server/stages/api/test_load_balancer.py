"""The balancer's configuration is one that HAProxy itself accepts, and the client's address comes from HAProxy."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
import trustme

from createflow.reference_server.domain.job import Exchange, Job
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.endpoints import Ports
from createflow.reference_server.stages.api.load_balancer import BalancerConfig, LoadBalancer, render


def _config(directory: Path) -> BalancerConfig:
    certificate = directory / "server.pem"
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    return BalancerConfig(
        address="127.0.0.1:8443",
        certificate_file=str(certificate),
        admin_address="127.0.0.1:8404",
        gateways={"gateway-1": "127.0.0.1:8001", "gateway-2": "127.0.0.1:8002"},
    )


def test_haproxy_accepts_the_configuration(tmp_path: Path) -> None:
    """The program that runs it checks it."""
    file = tmp_path / "haproxy.cfg"
    file.write_text(render(_config(tmp_path)))
    program = str(binaries.require(binaries.HAPROXY))
    checked = subprocess.run([program, "-c", "-f", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


def test_every_gateway_is_a_checked_server(tmp_path: Path) -> None:
    """Under its name."""
    text = render(_config(tmp_path))
    assert "server gateway-1 127.0.0.1:8001 check" in text
    assert "server gateway-2 127.0.0.1:8002 check" in text
    assert "retry-on conn-failure" in text


@pytest.mark.parametrize(
    ("forwarded", "client"), [(b"10.0.0.1", "10.0.0.1"), (b"6.6.6.6, 10.0.0.1", "10.0.0.1"), (b"", "127.0.0.9")]
)
def test_the_last_entry_is_the_client(forwarded: bytes, client: str) -> None:
    """A client can forge the entries before it; without the field, it is the peer."""

    async def receive() -> None:
        raise AssertionError

    headers = {b"x-forwarded-for": forwarded} if forwarded else {}
    job = Job("request-1", exchange=Exchange("GET", "/", b"", headers, 0, "127.0.0.9", receive))
    assert anyio.run(LoadBalancer(), job).client == client


@contextmanager
def _balancer(directory: Path, maxconn: int) -> Iterator[int]:
    """Run HAProxy without gateways; yield its port."""
    ports = Ports()
    port = ports.reserve()
    config = replace(
        _config(directory),
        address=f"127.0.0.1:{port}",
        admin_address=f"127.0.0.1:{ports.reserve()}",
        maxconn=maxconn,
    )
    file = directory / "haproxy.cfg"
    file.write_text(render(config))
    program = str(binaries.require(binaries.HAPROXY))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([program, "-f", str(file)], stdout=log, stderr=log)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)
        ports.release()


class _Client:
    """One connection from an address; it may have been refused before it was there."""

    def __init__(self, port: int, address: str) -> None:
        self._connection: socket.socket | None = None
        deadline = time.monotonic() + 10
        while self._connection is None:
            try:
                self._connection = socket.create_connection(("127.0.0.1", port), 10, source_address=(address, 0))
            except ConnectionRefusedError:  # the balancer has not started yet
                assert time.monotonic() < deadline
            except ConnectionResetError:  # it was refused while the call was connecting
                break

    def is_refused(self, within_s: float) -> bool:
        """Whether the balancer closes the connection within this time."""
        if self._connection is None:
            return True
        self._connection.settimeout(within_s)
        try:
            return self._connection.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def test_in_a_crowd_an_address_with_many_connections_gets_no_more(tmp_path: Path) -> None:
    """One address may have three quarters of all; the rest is for those that have few."""
    with _balancer(tmp_path, maxconn=32) as port, ExitStack() as clients:

        def connect(address: str) -> _Client:
            return clients.enter_context(closing(_Client(port, address)))

        held = [connect("127.0.0.2") for _ in range(24)]
        assert not any(client.is_refused(within_s=0.02) for client in held)
        connect("127.0.0.2").is_refused(within_s=0.3)  # the 25th: the crowd begins, whether it stays or not
        assert connect("127.0.0.2").is_refused(within_s=10)
        others = [connect(f"127.0.0.{number}") for number in range(3, 7)]
        assert not any(client.is_refused(within_s=0.1) for client in (*others, *held))
