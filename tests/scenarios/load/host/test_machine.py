"""A machine is known by its CPU and by what it may use of it."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from createflow.scenarios.load.host.machine import fingerprint, usable_cores


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


def test_a_machine_says_what_shapes_the_numbers(root: Path) -> None:
    """Hardware, kernel, interpreter and packages; versions without importing any of them."""
    machine = fingerprint(same_host=True, steal_ratio=0.1, root=root)
    assert (machine.cpu, machine.memory_mb) == ("A CPU @ 2.50GHz", 8000)
    assert (machine.python, machine.system) == (
        platform.python_version(),
        f"{platform.system()} {platform.release()}",
    )
    assert machine.packages == {name: version(name) for name in ("createflow", "locust", "gevent")}
    assert (machine.same_host, machine.steal_ratio) == (True, 0.1)


def test_an_arm_has_numbers_for_a_name(root: Path) -> None:
    """They tell one from another as well."""
    _write(root, "proc/cpuinfo", "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n")
    assert fingerprint(root=root).cpu == f"{platform.machine()} 0x41 0xd0c"


def test_a_system_without_these_files_has_empty_fields(tmp_path: Path) -> None:
    """Then nothing is compared."""
    machine = fingerprint(root=tmp_path)
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
def test_cores_are_those_that_may_be_used(root: Path, files: dict[str, str], most: int) -> None:
    """A container's quota counts, of either kind of cgroup."""
    for name, text in files.items():
        _write(root, f"sys/fs/cgroup/{name}", text)
    assert usable_cores(root) == min(len(os.sched_getaffinity(0)), most)


def test_cores_that_a_process_is_not_bound_to_do_not_count(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``taskset`` is a limit too, and a quota of two and a half cores is three."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(5)))
    assert usable_cores(root) == 5
    _write(root, "sys/fs/cgroup/cpu.max", "250000 100000")
    assert usable_cores(root) == 3


def test_memory_is_what_the_container_may_use(root: Path) -> None:
    """Where that is less."""
    _write(root, "sys/fs/cgroup/memory.max", "1073741824\n")
    assert fingerprint(root=root).memory_mb == 1024
    _write(root, "sys/fs/cgroup/memory.max", "max\n")
    assert fingerprint(root=root).memory_mb == 8000
