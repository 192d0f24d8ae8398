"""What a create costs in each part of the bundled stack, and what the same statement costs in pgbench.

``python benchmarks/component_cost.py [--rate 1000] [--seconds 20] [--no-pgbench]``. It starts a stack of its own, lets
``createflow bench`` send creates, and reads each process's CPU time and memory at two moments of the steady load. CPU
per write hardly changes with what else the machine does; wall times do. Compare the figures with each other and with an
earlier commit's, not with another machine's.

Then the load stops, and pgbench sends the statement that a lone create is, at the same rate and as fast as it can, to
the same primary with both replicas attached: what is above its figures is the price of the write path.
"""

# ruff: noqa: INP001, S101, T201 - a script, not a module of the package: it prints, and its assertions may end it
import argparse
import asyncio
import contextlib
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from createflow.reference_server.adapters.unit_of_work_sql import compose_statement
from createflow.reference_server.domain.unit_of_work import AuditDraft, CreateRow, EventDraft, UnitOfWork
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.options import StackOptions
from createflow.reference_server.stack.stack import RunningStack, running_stack
from createflow.schemas import profile_file

WARMUP_S = 4.0
PGBENCH_CLIENTS = 8
PRIMARY = "postgres-primary"
GENERATOR = "(generator)"


@dataclass(frozen=True, slots=True)
class Use:
    """What a component has used since it began, and holds now; the processes that it started are part of it."""

    cpu_s: float
    memory_bytes: int
    """Pages that several processes share count once altogether."""


def use_of(pid: int) -> Use:
    """What the process and its descendants use; ended ones are in their parent's time."""
    cpu_s, memory_bytes = 0.0, 0
    for process in _family(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times, memory = process.cpu_times(), process.memory_full_info()
            cpu_s += times.user + times.system + times.children_user + times.children_system
            memory_bytes += memory.pss
    return Use(cpu_s, memory_bytes)


def _family(pid: int) -> Iterator[psutil.Process]:
    main = psutil.Process(pid)
    yield from (main, *main.children(recursive=True))


def look(pids: Mapping[str, int]) -> dict[str, Use]:
    """All of them, one after the other."""
    return {name: use_of(pid) for name, pid in pids.items()}


async def rows_written(profile: Path) -> int:
    """How many rows there are."""
    sinks = profile_file.load(profile).sinks
    assert sinks.primary is not None
    async with await psycopg.AsyncConnection.connect(sinks.primary.dsn.get_secret_value()) as connection:
        row = await (await connection.execute("select count(*) from resources")).fetchone()
        assert row is not None
        return int(row[0])


@dataclass(frozen=True, slots=True)
class Cost:
    """What one component costs under a steady load."""

    cpu_us: float
    """Of one write."""
    memory_bytes: int


async def steady_costs(stack: RunningStack, rate: float, seconds: float) -> tuple[dict[str, Cost], str]:
    """The cost of each component, from the steady part of one load; and what ``createflow bench`` printed."""
    pids = {row.name: row.pid for row in await stack.rows()}
    command = [sys.executable, "-m", "createflow", "bench", "--profile", str(stack.profile_file)]
    command += ["--rate", f"{rate:g}", "--duration", f"{seconds + 2:g}s", "--warmup", f"{WARMUP_S:g}s"]
    bench = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output = asyncio.create_task(bench.communicate())
    pids[GENERATOR] = bench.pid
    first = await rows_written(stack.profile_file)
    while await rows_written(stack.profile_file) < first + rate and not output.done():
        await asyncio.sleep(0.2)
    await asyncio.sleep(WARMUP_S)
    before, written = await asyncio.to_thread(look, pids), await rows_written(stack.profile_file)
    await asyncio.sleep(seconds - 1.0)
    after, writes = await asyncio.to_thread(look, pids), await rows_written(stack.profile_file) - written
    text = (await output)[0].decode()
    cpu_us = {name: (after[name].cpu_s - before[name].cpu_s) / max(writes, 1) * 1e6 for name in pids}
    return {name: Cost(cpu_us[name], after[name].memory_bytes) for name in pids}, text


async def under_load(stack: RunningStack, options: argparse.Namespace) -> None:
    """Print a line a component."""
    pids = {row.name: row.pid for row in await stack.rows()}
    idle = await asyncio.to_thread(look, pids)
    await asyncio.sleep(options.idle)
    still_idle = await asyncio.to_thread(look, pids)
    costs, text = await steady_costs(stack, options.rate, options.seconds)
    print(text)
    print(f"{'component':<20} {'CPU us a write':>15} {'idle CPU ms/s':>15} {'memory MB':>11}")
    for name, cost in costs.items():
        rest = (still_idle[name].cpu_s - idle[name].cpu_s) / options.idle * 1e3 if name in idle else 0.0
        print(f"{name:<20} {cost.cpu_us:>15.0f} {rest:>15.1f} {cost.memory_bytes / 2**20:>11.0f}")
    total_us = sum(cost.cpu_us for cost in costs.values())
    print(f"{'sum':<20} {total_us:>15.0f}   of {psutil.cpu_count() * 1e6 / options.rate:.0f}")


def pgbench_script() -> str:
    """The statement of one create, exactly as a service sends it, with values that pgbench sends as parameters."""
    unit = UnitOfWork(CreateRow("", "", "", ""), "", "")
    unit.events.append(EventDraft("created", ""))
    unit.audits.append(AuditDraft("create", ""))
    statement = re.sub(r"%\((\w+)\)s", r":\1", compose_statement(unit)[0])
    return f"\\set name random(1, 1000000000)\n{statement};\n"


async def pgbench(stack: RunningStack, dsn: str, options: argparse.Namespace) -> None:
    """Print what the same statement costs without a write path around it."""
    pids = {row.name: row.pid for row in await stack.rows() if row.name == PRIMARY}
    program = binaries.require(binaries.POSTGRES).parent / "pgbench"
    values = {
        "description": "Created by createflow bench.",
        "metadata": '{"arrival":1}',
        "subject": "writer",
        "request_id": "0" * 32,
        "stream": "pgbench",  # not the relay's
        "action_0": "create",
        "auditor_0": "writer",
        "type_0": "created",
        "actor_0": "writer",
    }
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(pgbench_script())
        script.flush()
        for rate in (options.rate, 0.0):
            command = [str(program), "--no-vacuum", "--protocol=prepared", f"--file={script.name}"]
            command += [f"--client={PGBENCH_CLIENTS}", f"--time={options.seconds / 2:.0f}"]
            command += [f"--rate={rate:g}"] if rate else []
            command += [f"--define={name}={value}" for name, value in values.items()]
            before, written = look(pids), await rows_written(stack.profile_file)
            run = await asyncio.create_subprocess_exec(*command, dsn, stdout=asyncio.subprocess.PIPE)
            text = (await run.communicate())[0].decode()
            after, writes = look(pids), await rows_written(stack.profile_file) - written
            tps = re.search(r"tps = ([\d.]+)", text)
            latency = re.search(r"latency average = ([\d.]+)", text)
            assert tps is not None
            assert latency is not None
            cost_us = (after[PRIMARY].cpu_s - before[PRIMARY].cpu_s) / writes * 1e6
            title = f"pgbench at {rate:g}/s" if rate else "pgbench as fast as it can"
            print(f"{title:<28} {float(tps[1]):>9,.0f} writes/s  {float(latency[1]):>6.1f} ms on average")
            print(f"{'':<28} {cost_us:>9,.0f} us of {PRIMARY} a write")


async def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--idle", type=float, default=5.0)
    parser.add_argument("--pgbench", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        state = Path(directory) / "state"
        async with running_stack(state, StackOptions(), on_exit=lambda ended: print(ended.describe())) as stack:
            await under_load(stack, options)
            if options.pgbench:
                settings = Settings.load(state / "run" / "service-1" / "settings.json")
                await pgbench(stack, settings.direct_dsn, options)


if __name__ == "__main__":
    asyncio.run(main())
