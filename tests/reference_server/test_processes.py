"""Each kind of process starts before its engines, is not ready then, and ends with status 0."""

import json
import signal
import socket
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stack.endpoints import Ports

UNUSED_ADDRESS = "127.0.0.1:1"
SETTINGS = Settings(
    instance="test-1",
    host="127.0.0.1",
    port=0,
    nats_url=f"nats://{UNUSED_ADDRESS}",
    valkey_url=f"redis://{UNUSED_ADDRESS}",
    primary_dsn=f"postgresql://{UNUSED_ADDRESS}/x",
    direct_dsn=f"postgresql://{UNUSED_ADDRESS}/x",
    replica_dsns=(),
    search_url=f"http://{UNUSED_ADDRESS}",
    search_index="x",
    jwks_file="/nowhere/jwks.json",
    issuer="x",
    audience="x",
)


def test_a_gateway_answers_on_its_unix_socket_to_its_own_user_only(tmp_path: Path) -> None:
    """Also when a killed gateway has left its socket."""
    ports = Ports()
    socket_file = tmp_path / "http.sock"
    for _ in range(2):
        file, port = tmp_path / "settings.json", ports.reserve()
        replace(SETTINGS, port=port, http_socket=str(socket_file)).save(file)
        argv = [sys.executable, "-m", "createflow.reference_server", "gateway", str(file)]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        try:
            assert _status(f"http://127.0.0.1:{port}/healthz") == 200
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket_file))) as client:
                assert client.get("http://gateway/healthz").status_code == 200
            assert stat.S_IMODE(socket_file.stat().st_mode) == 0o600
        finally:
            process.kill()
            process.wait()
        assert socket_file.exists()
    ports.release()


@pytest.mark.parametrize(
    ("body", "closes"), [(b"", True), (b"[", True), (b"[]", False)], ids=["nothing", "a part", "all"]
)
def test_a_gateway_closes_when_it_refused_before_the_body_came(tmp_path: Path, body: bytes, closes: bool) -> None:  # noqa: FBT001 - a parameter
    """And says so; a client that has sent everything keeps its connection."""
    ports = Ports()
    file, port = tmp_path / "settings.json", ports.reserve()
    replace(SETTINGS, port=port).save(file)
    argv = [sys.executable, "-m", "createflow.reference_server", "gateway", str(file)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        assert _status(f"http://127.0.0.1:{port}/healthz") == 200
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            fields = b"Host: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
            client.sendall(b"POST /api/resources HTTP/1.1\r\n" + fields + body)
            reply = client.recv(65536)
            assert reply.startswith(b"HTTP/1.1 401 ")
            assert (b"connection: close" in reply.lower()) is closes
            if closes:
                while client.recv(65536):
                    pass
    finally:
        process.kill()
        process.wait()
        ports.release()


@pytest.mark.parametrize("kind", ["gateway", "service", "worker"])
def test_an_unknown_defect_ends_a_process_with_a_message(kind: str, tmp_path: Path) -> None:
    """Before it serves anything, and without a traceback."""
    file = tmp_path / "settings.json"
    replace(SETTINGS, defects=("open_dor",)).save(file)
    argv = [sys.executable, "-m", "createflow.reference_server", kind, str(file)]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr == "there is no seeded defect 'open_dor'; did you mean open_door?\n"


@pytest.mark.parametrize("kind", ["gateway", "service", "worker"])
def test_a_process_waits_for_its_engines_and_ends_with_zero(kind: str, tmp_path: Path) -> None:
    """On a port that the parent holds; logs are one JSON object a line."""
    ports = Ports()
    port = ports.reserve()
    file = tmp_path / "settings.json"
    replace(SETTINGS, port=port).save(file)
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "createflow.reference_server", kind, str(file)],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        assert _status(f"http://127.0.0.1:{port}/healthz") == 200, log.read_text()
        assert _status(f"http://127.0.0.1:{port}/readyz") == 503
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
        ports.release()
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert (events[0], events[-1]) == ("started", "stopped")


def _status(url: str) -> int:
    deadline = time.monotonic() + 15
    while True:
        try:
            return httpx.get(url, trust_env=False).status_code
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
