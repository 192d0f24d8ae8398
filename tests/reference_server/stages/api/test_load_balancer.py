"""The balancer's configuration is one that HAProxy itself accepts, and the client's address comes from HAProxy."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import httpx
import pytest
import trustme

from createflow.reference_server.domain.job import Exchange, Job
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.endpoints import Ports
from createflow.reference_server.stages.api.load_balancer import (
    ROOM_HEADER,
    BalancerConfig,
    JoiningGateways,
    LoadBalancer,
    render,
)


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


def test_haproxy_accepts_places_for_gateways_that_join(tmp_path: Path) -> None:
    """They are empty, TLS is verified by a name, and what there is room for follows the number of gateways."""
    config = _config(tmp_path)
    authority = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    joining = JoiningGateways(str(tmp_path / "s"), 8, str(authority), "gateway.test", config.certificate_file)
    text = render(replace(config, joining=joining))
    assert "disabled check ssl" in text
    assert "verify required" in text
    assert "verifyhost gateway.test" in text
    assert "mul(txn.gateways),div(2)" in text
    file = tmp_path / "haproxy.cfg"
    file.write_text(text)
    program = str(binaries.require(binaries.HAPROXY))
    checked = subprocess.run([program, "-c", "-f", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr
    alone = render(config)
    assert not [word for word in ("stats socket", "server-template", "nbsrv") if word in alone]


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
def _balancer(directory: Path, maxconn: int = 64, gateways: dict[str, str] | None = None) -> Iterator[int]:
    """Run HAProxy, without gateways unless some are given; yield its port."""
    ports = Ports()
    port = ports.reserve()
    config = replace(
        _config(directory),
        address=f"127.0.0.1:{port}",
        admin_address=f"127.0.0.1:{ports.reserve()}",
        maxconn=maxconn,
    )
    if gateways is not None:
        config = replace(config, gateways=gateways)
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


class _Gateway(ThreadingHTTPServer):
    """Answers creates of one connection each, and says that one request may be under way; ``/held`` is held."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.is_held, self.may_go = threading.Event(), threading.Event()
        self.paths: list[str] = []


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Gateway

    def do_GET(self) -> None:
        if self.path == "/api/held":
            self.server.is_held.set()
            self.server.may_go.wait(10)
        if self.path != "/rotation":
            self.server.paths.append(self.path)
        self.send_response(200)
        self.send_header(ROOM_HEADER, "1")
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_what_has_no_room_is_refused_without_asking_a_gateway(tmp_path: Path) -> None:
    """The gateway said how many may be under way, and there are as many.

    The client is not told how many, and its connection is kept.
    """
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # the certificate is not what is tested
    with ExitStack() as scope:
        gateway = scope.enter_context(_Gateway())
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        scope.callback(gateway.shutdown)
        scope.callback(gateway.may_go.set)
        address = f"127.0.0.1:{gateway.server_port}"
        port = scope.enter_context(_balancer(tmp_path, gateways={"gateway-1": address}))
        client = scope.enter_context(httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trust, trust_env=False))
        first = _when_it_runs(client)
        assert (first.status_code, ROOM_HEADER in first.headers) == (200, False)
        with ThreadPoolExecutor(1) as other:
            held = other.submit(client.get, "/api/held")
            assert gateway.is_held.wait(10)
            refused = [client.post("/api/resources", json={"name": "x" * 2000}) for _ in range(3)]
            health = client.get("/readyz")
            gateway.may_go.set()
            assert held.result(10).status_code == 200
        assert client.post("/api/resources", json={}).status_code == 200
    assert [reply.status_code for reply in refused] == [503, 503, 503]
    assert {reply.headers["retry-after"] for reply in refused} == {"1"}
    assert {reply.headers["content-type"] for reply in refused} == {"application/problem+json"}
    assert {reply.json()["code"] for reply in refused} == {"service_unavailable"}
    assert not any("connection" in reply.headers for reply in refused)
    assert health.status_code == 200, "health is asked for under overload as well"
    assert gateway.paths == ["/api/first", "/readyz", "/api/held", "/api/resources"]


def _when_it_runs(client: httpx.Client) -> httpx.Response:
    """The first reply of a gateway."""
    deadline = time.monotonic() + 10
    while True:
        with suppress(httpx.TransportError):
            reply = client.get("/api/first")
            if reply.status_code == 200:
                return reply
        assert time.monotonic() < deadline
