"""The description of a machine, and which addresses belong to it."""

import os
import platform
import socket
from importlib.metadata import version
from pathlib import Path

import pytest

from createflow.scenarios.load.host.machine import describe_machine, runs_on_this_machine, usable_cores


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with one model of CPU and 8 GB."""
    for name, text in {
        "proc/cpuinfo": "processor\t: 0\nmodel name\t: A CPU @ 2.50GHz\nflags\t: a b\n",
        "proc/meminfo": "MemTotal:        8192000 kB\nMemFree:  1 kB\n",
    }.items():
        _write(tmp_path, name, text)
    return tmp_path


def _write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_a_machine_is_described_by_what_affects_the_numbers(root: Path) -> None:
    """Hardware, kernel, interpreter and package versions, without importing the packages."""
    machine = describe_machine(same_host=True, steal_ratio=0.1, root=root)
    assert (machine.cpu, machine.memory_mb) == ("A CPU @ 2.50GHz", 8000)
    assert (machine.python, machine.system) == (
        platform.python_version(),
        f"{platform.system()} {platform.release()}",
    )
    assert machine.packages == {name: version(name) for name in ("createflow", "locust", "gevent")}
    assert (machine.same_host, machine.steal_ratio) == (True, 0.1)


def test_an_arm_cpu_is_described_by_numbers(root: Path) -> None:
    """They identify it as well."""
    _write(root, "proc/cpuinfo", "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n")
    assert describe_machine(root=root).cpu == f"{platform.machine()} 0x41 0xd0c"


def test_a_system_without_these_files_has_empty_fields(tmp_path: Path) -> None:
    """Runs are then not compared."""
    machine = describe_machine(root=tmp_path)
    assert (machine.cpu, machine.memory_mb) == ("", 0)


@pytest.mark.parametrize(
    ("files", "most"),
    [
        ({}, 1000),
        ({"cpu.max": "max 100000\n"}, 1000),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1000),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu.max": "nonsense"}, 1000),
        ({"cpu.max": "100000 0"}, 1000),
    ],
)
def test_a_cpu_quota_limits_the_cores(root: Path, files: dict[str, str], most: int) -> None:
    """The quota of a container counts, with both versions of cgroups."""
    for name, text in files.items():
        _write(root, f"sys/fs/cgroup/{name}", text)
    assert usable_cores(root) == min(len(os.sched_getaffinity(0)), most)


def test_cpu_affinity_limits_the_cores(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``taskset`` counts too, and a quota of 2.5 cores is three."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(5)))
    assert usable_cores(root) == 5
    _write(root, "sys/fs/cgroup/cpu.max", "250000 100000")
    assert usable_cores(root) == 3


def test_a_memory_limit_counts(root: Path) -> None:
    """If it is lower than the installed memory."""
    _write(root, "sys/fs/cgroup/memory.max", "1073741824\n")
    assert describe_machine(root=root).memory_mb == 1024
    _write(root, "sys/fs/cgroup/memory.max", "max\n")
    assert describe_machine(root=root).memory_mb == 8000


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "https://127.0.0.1:8443/x", "http://127.8.9.10", "http://[::1]:9", "http://0.0.0.0:1"]
)
def test_loopback_is_this_machine(url: str) -> None:
    """By name and by address."""
    assert runs_on_this_machine(url)


def test_an_own_address_is_this_machine() -> None:
    """Also one that is not loopback, if the machine has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a datagram socket: nothing is sent
        except OSError:
            pytest.skip("no address but loopback")
        own = probe.getsockname()[0]
    assert runs_on_this_machine(f"http://{own}:8080")


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/", "http://[2001:db8::1]", "http:///x", "no url", "http://[::1", "http://" + "a" * 300]
)
def test_other_addresses_are_not_this_machine(url: str) -> None:
    """Addresses reserved for documentation, and invalid URLs."""
    assert not runs_on_this_machine(url)


def test_an_unknown_name_is_not_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preflight reports it better."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not runs_on_this_machine("http://nowhere.example")


def test_one_address_of_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may also have addresses of other machines."""
    answers = [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (address, 9)) for address in ("192.0.2.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    assert runs_on_this_machine("http://somewhere.example")
