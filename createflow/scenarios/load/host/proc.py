"""What Linux tells of itself and its processes in /proc; elsewhere everything reads as zero or empty."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """A reading of /proc/stat: CPU time since the machine started, over all cores, in its ticks."""

    steal: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class ProcessHealth:
    """What a process holds at this moment."""

    open_files: int = 0
    memory_mb: float = 0.0


def cpu_times(root: Path = ROOT) -> CpuTimes:
    """Take a reading."""
    fields = file_text(root / "proc/stat").partition("\n")[0].split()
    if len(fields) < 9 or fields[0] != "cpu":
        return CpuTimes()
    with suppress(ValueError):
        # user nice system idle iowait irq softirq steal; what guests used is in user and nice already.
        ticks = [int(field) for field in fields[1:9]]
        return CpuTimes(steal=ticks[7], total=sum(ticks))
    return CpuTimes()


def steal_ratio(before: CpuTimes, after: CpuTimes) -> float:
    """Share of the CPU time between two readings that the hypervisor gave to others, 0..1."""
    total = after.total - before.total
    return min(1.0, max(0.0, (after.steal - before.steal) / total)) if total > 0 else 0.0


def process_health(pid: int | None = None, root: Path = ROOT) -> ProcessHealth:
    """What a process holds, this one unless asked; zeros when it is gone."""
    place = root / "proc" / (str(pid) if pid else "self")
    try:
        open_files = sum(1 for _ in (place / "fd").iterdir())
    except OSError:
        open_files = 0
    resident_kb = field_of(file_text(place / "status"), "VmRSS")
    return ProcessHealth(open_files, number_of(resident_kb) / 1024)


def peak_memory_mb(root: Path = ROOT) -> float:
    """The most memory that this process has held; not ``ru_maxrss``, which counts what its parent held, too.

    A process keeps the ``ru_maxrss`` of the one that became it (exec), which begins as a copy of its parent.
    """
    return number_of(field_of(file_text(root / "proc/self/status"), "VmHWM")) / 1024


def cpu_s(pid: int, root: Path = ROOT) -> float:
    """CPU time that a process has used, its own children not counted; 0 when it is gone."""
    # The name of the command stands in parentheses and may hold anything, parentheses and spaces too.
    fields = file_text(root / "proc" / str(pid) / "stat").rpartition(")")[2].split()
    if len(fields) < 13:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def file_text(file: Path) -> str:
    """The beginning of a file; empty when it cannot be read."""
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(_MOST_BYTES)
    except OSError:
        return ""


def field_of(text: str, name: str) -> str:
    """The value behind ``name:`` in a text of such lines; empty when there is none."""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == name:
            return value.strip()
    return ""


def number_of(text: str) -> float:
    """The number that a value begins with; 0 when it does not."""
    word = text.partition(" ")[0]
    return float(word) if word.isdecimal() else 0.0
