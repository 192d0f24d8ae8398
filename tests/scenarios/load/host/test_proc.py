"""Figures from /proc; what is missing is zero."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from createflow.scenarios.load.host.proc import (
    CpuTimes,
    compute_steal_ratio,
    read_cpu_s,
    read_cpu_times,
    read_peak_memory_mb,
)

LINUX = pytest.mark.skipif(not Path("/proc/stat").exists(), reason="no /proc here")


def _written(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_steal_is_the_share_of_the_time_between_two_readings(tmp_path: Path) -> None:
    """Of all cores together; guest time is part of user time."""
    _written(tmp_path, "proc/stat", "cpu  10 0 10 70 0 0 0 10 999 999\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    before = read_cpu_times(tmp_path)
    assert before == CpuTimes(steal=10, total=100)
    _written(tmp_path, "proc/stat", "cpu  60 0 60 150 0 0 0 30 9999 999\n")
    assert compute_steal_ratio(before, read_cpu_times(tmp_path)) == 0.1


@pytest.mark.parametrize("text", ["", "cpu", "cpu a b c d e f g h", "intr 1 2 3 4 5 6 7 8 9"])
def test_an_invalid_reading_is_empty(tmp_path: Path, text: str) -> None:
    """Two of them have no steal."""
    _written(tmp_path, "proc/stat", text)
    assert read_cpu_times(tmp_path) == CpuTimes()
    assert compute_steal_ratio(CpuTimes(), CpuTimes()) == 0.0


def test_a_counter_that_runs_backwards_is_no_steal() -> None:
    """As on some hypervisors after a migration."""
    assert compute_steal_ratio(CpuTimes(50, 100), CpuTimes(40, 200)) == 0.0


@LINUX
def test_peak_memory_excludes_the_parents() -> None:
    """A small process that a large one started by exec is small."""
    ballast = bytearray(256 << 20)
    ballast[::4096] = b"\1" * len(ballast[::4096])
    told = "from createflow.scenarios.load.host.proc import read_peak_memory_mb; print(read_peak_memory_mb())"
    child = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert 1 < float(child.stdout) < 128 < read_peak_memory_mb()


def test_a_process_that_has_ended_has_used_nothing(tmp_path: Path) -> None:
    """It may end between two readings."""
    assert read_cpu_s(12345, tmp_path) == 0.0


def test_the_name_of_a_command_does_not_shift_its_cpu_time(tmp_path: Path) -> None:
    """It may contain spaces and parentheses."""
    _written(tmp_path, "proc/7/stat", "7 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 300 200 0 0 20 0\n")
    assert read_cpu_s(7, tmp_path) == 500 / os.sysconf("SC_CLK_TCK")


@LINUX
def test_cpu_time_agrees_with_the_process_clock() -> None:
    """To the precision of the kernel's clock ticks."""
    before_s, own_s = read_cpu_s(os.getpid()), time.process_time()
    while time.process_time() < own_s + 0.1:
        pass
    assert read_cpu_s(os.getpid()) - before_s == pytest.approx(0.1, abs=0.05)
