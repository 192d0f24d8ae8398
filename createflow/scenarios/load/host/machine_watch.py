"""What the machine of the load did second by second, so that a stall can be seen beside it. Linux only.

Ten times a second the counters of /proc are read; twice a second those of the processes, too. That costs about a
hundredth of one core.
"""

import asyncio
import os
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from createflow.scenarios.load.host.proc import ROOT, read_text

_EVERY_S = 0.1
_PROCESSES_EVERY = 5
"""In readings."""
_MOST_READINGS = 72_000
"""Of two hours."""
_BUSY_RATIO = 0.97
_STEAL_RATIO = 0.05
_WAIT_RATIO = 0.1
_FLUSH_RATIO = 0.1
_FAULTS = 20
_PROCESS_RATIO = 0.3
_SECTOR_BYTES = 512
_WRITTEN_MB = 5
_NAMES = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters at one moment, since the machine started."""

    at_s: float
    """On ``time.monotonic``."""
    idle: int = 0
    """Clock ticks, as the next three."""
    waiting: int = 0
    """Idle, while a disk was busy."""
    steal: int = 0
    total: int = 0
    faults: int = 0
    """Page faults that had to read from a disk."""
    flush_ms: int = 0
    """Time of flush requests to the busiest disk."""
    written_sectors: int = 0


@dataclass(slots=True)
class MachineWatch:
    """The readings of one run."""

    readings: list[Reading] = field(default_factory=list)
    processes: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    """When, on ``time.monotonic``, and the CPU seconds of each program until then."""

    def describe(self, from_s: float, until_s: float) -> tuple[str, ...]:
        """What was unusual on the machine between two times on ``time.monotonic``; empty if nothing was."""
        first, last = _around([one.at_s for one in self.readings], from_s, until_s)
        if first == last:
            return ()
        before, after = self.readings[first], self.readings[last]
        took_s, ticks = after.at_s - before.at_s, max(1, after.total - before.total)
        steal, waiting = (after.steal - before.steal) / ticks, (after.waiting - before.waiting) / ticks
        busy = 1 - (after.idle - before.idle) / ticks - waiting
        flush = (after.flush_ms - before.flush_ms) / 1000 / took_s
        written_mb = (after.written_sectors - before.written_sectors) * _SECTOR_BYTES / 1e6
        found = [
            (busy >= _BUSY_RATIO, f"all CPUs busy ({busy:.0%})"),
            (steal >= _STEAL_RATIO, f"{steal:.0%} of the CPU went to other virtual machines"),
            (waiting >= _WAIT_RATIO, f"CPUs waited for disks ({waiting:.0%})"),
            (flush >= _FLUSH_RATIO, f"disks flushed {flush:.0%} of the time"),
            (written_mb >= _WRITTEN_MB, f"{written_mb:.0f} MB written"),
            (after.faults - before.faults >= _FAULTS, f"{after.faults - before.faults} pages read from a disk"),
        ]
        return (*(text for is_unusual, text in found if is_unusual), *self._busiest(from_s, until_s))

    def _busiest(self, from_s: float, until_s: float) -> tuple[str, ...]:
        """The programs that used most CPU about then."""
        first, last = _around([at_s for at_s, _ in self.processes], from_s, until_s)
        if first == last:
            return ()
        (began_s, before), (ended_s, after) = self.processes[first], self.processes[last]
        took_s = ended_s - began_s
        used = Counter({name: (cpu_s - before.get(name, 0.0)) / took_s for name, cpu_s in after.items()})
        busy = [f"{name} {ratio:.0%}" for name, ratio in used.most_common(_NAMES) if ratio >= _PROCESS_RATIO]
        return (f"of a CPU: {', '.join(busy)}",) if busy else ()


@asynccontextmanager
async def watching_machine() -> AsyncIterator[MachineWatch]:
    """Read the counters as long as the block."""
    watch = MachineWatch()
    task = asyncio.create_task(_read_often(watch))
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _read_often(watch: MachineWatch) -> None:
    while len(watch.readings) < _MOST_READINGS:
        watch.readings.append(read_counters())
        if len(watch.readings) % _PROCESSES_EVERY == 1:
            watch.processes.append((time.monotonic(), read_programs()))
        await asyncio.sleep(_EVERY_S)


def read_counters(root: Path = ROOT) -> Reading:
    """One reading; zeros where the system does not say."""
    fields = _numbers(read_text(root / "proc/stat").partition("\n")[0].split()[1:9])
    idle, waiting, steal = (fields[3], fields[4], fields[7]) if len(fields) == 8 else (0, 0, 0)
    lines = [line.split() for line in read_text(root / "proc/diskstats").splitlines()]
    # Partitions count what their disk counts too, so the busiest one is taken.
    disks = [_numbers(disk[3:]) for disk in lines if len(disk) >= 20]
    return Reading(
        time.monotonic(),
        idle=idle,
        waiting=waiting,
        steal=steal,
        total=sum(fields),
        faults=_faults(root),
        # Fields of Documentation/admin-guide/iostats.rst: 7 sectors written, 17 milliseconds of flush requests.
        flush_ms=max((disk[16] for disk in disks), default=0),
        written_sectors=max((disk[6] for disk in disks), default=0),
    )


def read_programs(root: Path = ROOT) -> dict[str, float]:
    """The CPU seconds of all processes, by the name of their program."""
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    used: dict[str, float] = {}
    for entry in (root / "proc").glob("[0-9]*"):
        head, _, rest = read_text(entry / "stat").rpartition(")")
        fields = rest.split()
        if len(fields) >= 13:
            # Threads of the kernel are renamed with what they do: kworker/0:2-events.
            name = head.partition("(")[2].partition("/")[0]
            used[name] = used.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / ticks_per_s
    return used


def _faults(root: Path) -> int:
    for line in read_text(root / "proc/vmstat").splitlines():
        if line.startswith("pgmajfault "):
            return int(line.split()[1])
    return 0


def _numbers(words: list[str]) -> list[int]:
    return [int(word) for word in words if word.isdecimal()]


def _around(times: list[float], from_s: float, until_s: float) -> tuple[int, int]:
    """The numbers of the last reading before a time and of the first one after another; equal if there are none."""
    first, last = bisect_right(times, from_s) - 1, bisect_left(times, until_s)
    first, last = max(0, first), min(last, len(times) - 1)
    return (first, last) if times and last > first else (0, 0)
