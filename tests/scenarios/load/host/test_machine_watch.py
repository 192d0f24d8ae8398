"""What was unusual on the machine of the load during a stall."""

import asyncio
from pathlib import Path

import pytest

from createflow.scenarios.load.host.machine_watch import (
    MachineWatch,
    Reading,
    read_counters,
    read_programs,
    watching_machine,
)


def watch(**after: int) -> MachineWatch:
    """A watch with two readings, of which the second differs."""
    return MachineWatch([Reading(10.0), Reading(10.1, **{"total": 20, "idle": 15} | after)])


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({}, ()),
        ({"idle": 0}, ("all CPUs busy (100%)",)),
        ({"steal": 4}, ("20% of the CPU went to other virtual machines",)),
        ({"idle": 10, "waiting": 8}, ("CPUs waited for disks (40%)",)),
        ({"flush_ms": 60}, ("disks flushed 60% of the time",)),
        ({"written_sectors": 20_000}, ("10 MB written",)),
        ({"faults": 30}, ("30 pages read from a disk",)),
    ],
)
def test_what_is_unusual_is_told(after: dict[str, int], told: tuple[str, ...]) -> None:
    """And nothing else."""
    assert watch(**after).describe(10.02, 10.05) == told


@pytest.mark.parametrize(("from_s", "until_s"), [(10.02, 10.05), (9.0, 12.0)])
def test_the_busiest_programs_are_named(from_s: float, until_s: float) -> None:
    """From the readings around the time."""
    made = watch()
    made.processes = [(10.0, {"postgres": 5.0, "idle": 1.0}), (10.5, {"postgres": 5.4, "idle": 1.0, "new": 0.2})]
    assert made.describe(from_s, until_s) == ("of a CPU: postgres 80%, new 40%",)


def test_without_readings_nothing_is_told() -> None:
    """Another system, or a run that ended at once."""
    assert MachineWatch().describe(0.0, 1.0) == ()
    assert MachineWatch([Reading(1.0)]).describe(0.0, 5.0) == ()


def test_the_counters_are_those_of_proc(tmp_path: Path) -> None:
    """Of disks the busiest counts; kernel threads have one name, whatever they do."""
    proc = tmp_path / "proc"
    for pid, name in ((1, "postgres"), (2, "kworker/0:1-events"), (3, "kworker/1:1"), (4, "odd ) name")):
        (proc / str(pid)).mkdir(parents=True)
        (proc / str(pid) / "stat").write_text(f"{pid} ({name}) S {'0 ' * 10}100 50 0 0\n")
    (proc / "stat").write_text("cpu  10 0 5 70 8 0 0 7 0 0\ncpu0 1 0 0 0 0 0 0 0 0 0\n")
    (proc / "vmstat").write_text("pgfault 5\npgmajfault 42\n")
    line = "{} {} {} 1 0 2 3 4 5 600 7 0 8 9 0 0 0 0 10 {}\n"
    (proc / "diskstats").write_text(line.format(253, 0, "vda", 17) + line.format(253, 1, "vda1", 16))
    seen = read_counters(tmp_path)
    assert (seen.idle, seen.waiting, seen.steal, seen.total) == (70, 8, 7, 100)
    assert (seen.faults, seen.flush_ms, seen.written_sectors) == (42, 17, 600)
    assert set(read_programs(tmp_path)) == {"postgres", "kworker", "odd ) name"}
    assert read_counters(tmp_path / "nowhere").total == 0


def test_this_machine_is_watched() -> None:
    """As long as the block, and no task is left."""

    async def run() -> tuple[MachineWatch, int]:
        async with watching_machine() as made:
            while len(made.readings) < 2:
                await asyncio.sleep(0.01)
        return made, len(asyncio.all_tasks())

    made, tasks = asyncio.run(run())
    assert tasks == 1
    assert made.readings[0].at_s < made.readings[1].at_s
    assert made.processes
