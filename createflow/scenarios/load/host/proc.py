"""CPU and memory figures from /proc of Linux. On other systems every function returns zero or an empty text."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """A reading of /proc/stat: CPU time since the machine started, over all cores, in clock ticks."""

    steal: int = 0
    total: int = 0


def read_cpu_times(root: Path = ROOT) -> CpuTimes:
    """Read the CPU times of the machine."""
    fields = read_text(root / "proc/stat").partition("\n")[0].split()
    if len(fields) < 9 or fields[0] != "cpu":
        return CpuTimes()
    with suppress(ValueError):
        # user nice system idle iowait irq softirq steal; guest time is part of user and nice.
        ticks = [int(field) for field in fields[1:9]]
        return CpuTimes(steal=ticks[7], total=sum(ticks))
    return CpuTimes()


def compute_steal_ratio(before: CpuTimes, after: CpuTimes) -> float:
    """Share of the CPU time between two readings that the hypervisor gave to other machines, 0..1."""
    total = after.total - before.total
    return min(1.0, max(0.0, (after.steal - before.steal) / total)) if total > 0 else 0.0


def read_peak_memory_mb(root: Path = ROOT) -> float:
    """Peak memory of this process.

    Not ``ru_maxrss``: a process keeps it across exec, so it includes the copy of the parent that it started as.
    """
    return parse_number(find_field(read_text(root / "proc/self/status"), "VmHWM")) / 1024


def read_cpu_s(pid: int, root: Path = ROOT) -> float:
    """CPU time that a process has used, without its children; 0 when the process does not exist."""
    # The command name is in parentheses and may itself hold parentheses and spaces.
    fields = read_text(root / "proc" / str(pid) / "stat").rpartition(")")[2].split()
    if len(fields) < 13:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_text(file: Path) -> str:
    """The first MiB of a file; empty when it cannot be read."""
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(_MAX_BYTES)
    except OSError:
        return ""


def find_field(text: str, name: str) -> str:
    """The value of ``name: value`` in a text of such lines; empty without such a line."""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == name:
            return value.strip()
    return ""


def parse_number(text: str) -> float:
    """The number that a text starts with; 0 if it starts with none."""
    word = text.partition(" ")[0]
    return float(word) if word.isdecimal() else 0.0
