"""``bench --self-test`` contacts its own stub on loopback, and nothing that the surroundings name."""

import asyncio
import socket
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from createflow.scenarios.benchmark import measure_ceiling
from tests.up_stack import wait_a_little

Address = tuple[str, int]


def _connections() -> set[tuple[Address, Address | None]]:
    """Of this process and all that it started: the own address, and the other one; None where it listens."""
    found: set[tuple[Address, Address | None]] = set()
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            for one in process.net_connections(kind="inet"):
                found.add((one.laddr, one.raddr if one.status != psutil.CONN_LISTEN else None))
    return found


@pytest.mark.thorough
def test_a_self_test_contacts_its_own_stub_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the proxy, the profile or the collector of metrics that somebody has set up here."""
    monkeypatch.setattr(measure_ceiling, "_RUN_S", 0.5)
    monkeypatch.setattr(measure_ceiling, "_WARMUP_S", 0.1)
    before = _connections()
    seen: set[tuple[Address, Address | None]] = set()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OTEL_EXPORTER_OTLP_ENDPOINT"):
            monkeypatch.setenv(name, url)
            monkeypatch.setenv(name.lower(), url)
        (tmp_path / "createflow.toml").write_text(f'[target]\nbase_url = "{url}"\n', encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        measured: list[float] = []

        def measure() -> None:
            measured.append(asyncio.run(measure_ceiling.measure_generator_ceiling(1, lambda _: None)).per_s)

        measuring = threading.Thread(target=measure)
        measuring.start()
        while measuring.is_alive():
            seen |= _connections() - before
            wait_a_little()
        measuring.join()
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert measured
    listening = {tuple(own) for own, other in seen if other is None}
    contacted = {tuple(other) for own, other in seen if other and tuple(own) not in listening}
    assert contacted, "the load was not seen"
    assert contacted <= listening
    assert {host for host, _ in contacted} == {"127.0.0.1"}
