"""Whether the bundled stack can run for good: memory of each process and the p99, over a long steady load.

``python benchmarks/soak.py [--rate 200] [--minutes 60]``, or ``make soak``. It starts a stack that keeps events and
Idempotency-Keys for a tenth of that time, lets ``createflow bench`` send creates, and samples each component's memory
every few seconds. In the end it judges, and exits with 1 if something does not hold:

- **memory**: its slope is the median of the slopes between any two samples (Theil and Sen), after the first third, in
  which caches fill. A component without data may grow by 100 bytes a write; one that holds the data, by what a row is.
- **p99**: the median of the seconds' p99 in the last quarter is at most twice that of the first, or within 20 ms of it.
- **outbox**: no more rows than were written in the time that they are kept, and in a minute more.

A component fails when even the lower end of its slope's interval is above its limit; a tenth of the slopes is below it.
So a short run may excuse a growth that a long one shows, and noise accuses nobody.
"""

# ruff: noqa: INP001, T201 - a script, not a module of the package: it prints
import argparse
import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from component_cost import GENERATOR, look

from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stack.options import StackOptions
from createflow.reference_server.stack.stack import RunningStack, running_stack

SAMPLES_MOST = 400
"""For a slope: more pairs than these make take long, and say no more."""
LIMIT_BYTES_A_WRITE = 100.0
DATA_BYTES_A_WRITE: Mapping[str, float] = {"search": 4096.0, "nats": 1024.0, "postgres": 1024.0, "valkey": 1024.0}
"""What holds data, by the beginning of its name: documents in memory, pages of files, buffers up to their size."""
DRIFT_RATIO, DRIFT_MS = 2.0, 20.0
PRUNE_SLACK_S = 60.0
JUDGED = (0, 1)
"""Exit statuses of a load that ran to its end. A missed target (1) of a busy machine is no growth."""


@dataclass(slots=True)
class Series:
    """The samples of one component."""

    at_s: list[float] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)

    def slope(self) -> tuple[float, float]:
        """Bytes a second after the first third: the median slope, and its lower end."""
        start = len(self.at_s) // 3
        step = max(1, (len(self.at_s) - start) // SAMPLES_MOST)
        points = list(zip(self.at_s[start::step], self.memory_bytes[start::step], strict=True))
        pairs = itertools.combinations(points, 2)
        slopes = sorted((late[1] - early[1]) / (late[0] - early[0]) for early, late in pairs)
        return statistics.median(slopes), slopes[len(slopes) // 10]


async def sample(stack: RunningStack, bench_pid: int, series: dict[str, Series], *, every_s: float) -> None:
    """Look at every component until cancelled."""
    pids = {row.name: row.pid for row in await stack.rows()} | {GENERATOR: bench_pid}
    began = time.monotonic()
    while True:
        for name, use in (await asyncio.to_thread(look, pids)).items():
            if use.memory_bytes:  # 0 of one that has ended
                series.setdefault(name, Series()).at_s.append(time.monotonic() - began)
                series[name].memory_bytes.append(use.memory_bytes)
        await asyncio.sleep(every_s)


def judge_memory(series: Mapping[str, Series], rate: float) -> list[str]:
    """Print a line a component, and return what does not hold."""
    problems = []
    print(f"\n{'component':<20} {'first MB':>9} {'last MB':>8} {'MB an hour':>11} {'at least':>9} {'allowed':>8}")
    for name, one in series.items():
        allowed = next(
            (limit for start, limit in DATA_BYTES_A_WRITE.items() if name.startswith(start)), LIMIT_BYTES_A_WRITE
        )
        slope, least = (bytes_s * 3600 / 2**20 for bytes_s in one.slope())
        allowed_mb = allowed * rate * 3600 / 2**20
        first, last = one.memory_bytes[0] / 2**20, one.memory_bytes[-1] / 2**20
        print(f"{name:<20} {first:>9.0f} {last:>8.0f} {slope:>11.1f} {least:>9.1f} {allowed_mb:>8.0f}")
        if name != GENERATOR and least > allowed_mb:  # the generator remembers every arrival, to search for it later
            problems.append(f"{name} grows by {slope:.0f} MB an hour, at least by {least:.0f}")
    return problems


def judge_p99(seconds_ms: Sequence[float]) -> list[str]:
    """Print the drift, and return what does not hold."""
    quarter = max(1, len(seconds_ms) // 4)
    first, last = statistics.median(seconds_ms[:quarter]), statistics.median(seconds_ms[-quarter:])
    print(f"\np99 of a second, median: {first:.1f} ms in the first quarter, {last:.1f} ms in the last")
    if last > max(first * DRIFT_RATIO, first + DRIFT_MS):
        return [f"the p99 went from {first:.0f} to {last:.0f} ms"]
    return []


async def judge_outbox(settings: Settings, rate: float) -> list[str]:
    """Print how many rows are kept, and return what does not hold."""
    async with await psycopg.AsyncConnection.connect(settings.direct_dsn) as connection:
        row = await (await connection.execute("SELECT count(*) FROM outbox")).fetchone()
    kept, allowed = int(row[0]) if row else 0, rate * (settings.keep_s + PRUNE_SLACK_S)
    print(f"outbox: {kept:,} rows of at most {allowed:,.0f}, kept for {settings.keep_s:g} s")
    return [f"the outbox has {kept:,} rows"] if kept > allowed else []


async def soak(options: argparse.Namespace, directory: Path) -> list[str]:
    """Run the load, print, and return what does not hold."""
    seconds, report, state = options.minutes * 60.0, directory / "bench.json", directory / "state"
    shape = StackOptions(keep_s=max(10.0, seconds / 10))
    deaths: list[str] = []
    async with running_stack(state, shape, on_exit=lambda ended: deaths.append(ended.describe())) as stack:
        command = [sys.executable, "-m", "createflow", "bench", "--profile", str(stack.profile_file), "--no-verify"]
        command += ["--rate", f"{options.rate:g}", "--duration", f"{seconds:g}s", "--report", f"json={report}"]
        bench = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        series: dict[str, Series] = {}
        sampler = asyncio.create_task(sample(stack, bench.pid, series, every_s=options.every))
        text = (await bench.communicate())[0].decode()
        sampler.cancel()
        await asyncio.wait([sampler])
        print(text)
        problems = [] if bench.returncode in JUDGED else ["the load was not whole: see above"]
        problems += deaths + judge_memory(series, options.rate)
        moments = json.loads(report.read_text())["series"]
        problems += judge_p99([moment["p99_ms"] for moment in moments if moment["p99_ms"]])
        return problems + await judge_outbox(Settings.load(state / "run" / "worker-1" / "settings.json"), options.rate)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two samples")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        problems = asyncio.run(soak(options, Path(directory)))
    for problem in problems:
        print(f"FAILED: {problem}")
    if not problems:
        print("PASSED: nothing grows without bound")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
