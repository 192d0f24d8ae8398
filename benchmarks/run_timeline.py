"""Where the seconds of a run go: ``createflow run``, with the start and end of each phase, check and fault.

``python benchmarks/run_timeline.py [--longest 12] [ARGUMENT OF createflow run ...]``. Without a profile it tests the
bundled stack. For each phase a line says when it began, how long it took, how much CPU the run's own process and all
its descendants used meanwhile, and which checks took longest; below it are the commands of faults. A phase whose CPU
is near its duration times the CPUs of the machine waits for nothing; elsewhere look at what its longest check awaits.
"""

# ruff: noqa: INP001, T201 - a script, not a module of the package
import argparse
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import typer
from rich.console import Console

from createflow.cli import run_view
from createflow.cli.app import app
from createflow.scenarios.conformance import run
from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.guardian.client import RunGuardian
from createflow.schemas.profile import FaultCommands, FaultName
from createflow.schemas.report import CheckResult

_SAMPLED_S = 0.25


@dataclass(slots=True)
class Span:
    """Something that took time; seconds since the start of the command."""

    name: str
    start_s: float
    end_s: float = 0.0

    @property
    def took_s(self) -> float:
        """How long."""
        return self.end_s - self.start_s


@dataclass(slots=True)
class Timeline:
    """What happened when."""

    start: float = field(default_factory=time.perf_counter)
    checks: dict[str, Span] = field(default_factory=dict)
    faults: list[Span] = field(default_factory=list)
    phases: list[list[str]] = field(default_factory=list)
    cpu: list[tuple[float, Mapping[str, float]]] = field(default_factory=list)
    """CPU seconds of each kind of process until then."""

    def now_s(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def planned(self, checks: Sequence[Check]) -> None:
        """Remember the phases."""
        self.phases = [[check.id for lane in phase for _, check in lane] for phase in run.phases(checks)]

    def started(self, check: Check) -> None:
        """Remember when."""
        self.checks[check.id] = Span(check.id, self.now_s())

    def ended(self, result: CheckResult) -> None:
        """Remember when."""
        self.checks[result.id].end_s = self.now_s()

    def cpu_between(self, start_s: float, end_s: float) -> dict[str, float]:
        """CPU seconds of each kind of process."""
        before = next((used for at, used in reversed(self.cpu) if at <= start_s), {})
        after = next((used for at, used in self.cpu if at >= end_s), self.cpu[-1][1])
        return {kind: used - before.get(kind, 0.0) for kind, used in after.items()}


def sample_cpu(timeline: Timeline, is_over: threading.Event) -> None:
    """Add up what each process of the family has used, those that have ended included."""
    used: dict[tuple[int, float], tuple[str, float]] = {}
    here = psutil.Process()
    while True:
        for process in (here, *here.children(recursive=True)):
            try:
                times, began = process.cpu_times(), process.create_time()
                kind = "tester and supervisor" if process == here else kind_of(process)
                used[process.pid, began] = (kind, times.user + times.system)
            except psutil.Error:
                continue
        total: dict[str, float] = defaultdict(float)
        for kind, seconds in used.values():
            total[kind] += seconds
        timeline.cpu.append((timeline.now_s(), dict(total)))
        if is_over.wait(_SAMPLED_S):
            return


def kind_of(process: psutil.Process) -> str:
    """A word for what it does."""
    words = process.cmdline()
    for module in ("reference_server.stack.command", "harness.guardian", "reference_server.stack.guardian"):
        if any(module in word for word in words):
            return module.rpartition(".")[2]
    for number, word in enumerate(words):
        if word == "createflow.reference_server":
            return words[number + 1]
    return process.name()


@contextmanager
def watched(timeline: Timeline) -> Iterator[None]:
    """Have a run tell the timeline what it does."""
    ask = RunGuardian.inject, RunGuardian.heal

    async def inject(self: RunGuardian, name: FaultName, commands: FaultCommands) -> str:
        timeline.faults.append(span := Span(f"inject {name}", timeline.now_s()))
        problem = await ask[0](self, name, commands)
        span.end_s = timeline.now_s()
        return problem

    async def heal(self: RunGuardian, name: FaultName, commands: FaultCommands) -> str:
        timeline.faults.append(span := Span(f"heal {name}", timeline.now_s()))
        problem = await ask[1](self, name, commands)
        span.end_s = timeline.now_s()
        return problem

    @contextmanager
    def progress(_: Console) -> Iterator[Timeline]:
        yield timeline

    RunGuardian.inject, RunGuardian.heal = inject, heal  # type: ignore[method-assign]
    run_view.live_progress = progress  # type: ignore[assignment]
    yield


def show(timeline: Timeline, longest: int) -> None:
    """Print the timeline."""

    def line(what: str, start_s: float, end_s: float) -> None:
        cpu = timeline.cpu_between(start_s, end_s)
        most = sorted(((used, kind) for kind, used in cpu.items() if used >= 0.1), reverse=True)
        print(
            f"{start_s:6.1f} {end_s - start_s:6.1f} s  {what}; {sum(cpu.values()):.1f} s of CPU: "
            + ", ".join(f"{kind} {used:.1f}" for used, kind in most)
        )

    before_s = 0.0
    for number, ids in enumerate(timeline.phases):
        spans = [timeline.checks[one] for one in ids if one in timeline.checks]
        if not spans:
            continue
        start_s, end_s = min(span.start_s for span in spans), max(span.end_s for span in spans)
        if not before_s:
            line("until the first check", 0.0, start_s)
        line(f"phase {number}, {len(spans)} checks", start_s, end_s)
        for span in sorted(spans, key=lambda span: -span.took_s)[:longest]:
            print(f"{span.start_s:15.1f} {span.took_s:6.1f} s  {span.name}")
        for span in timeline.faults:
            if start_s <= span.start_s < end_s:
                print(f"{span.start_s:24.1f} {span.took_s:6.2f} s  {span.name}")
        before_s = end_s
    line("after the last check", before_s, timeline.now_s())
    line("in all", 0.0, timeline.now_s())
    print(f"load average {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Run, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--longest", type=int, default=12, help="how many checks of each phase")
    options, arguments = parser.parse_known_args()
    timeline, is_over = Timeline(), threading.Event()
    sampler = threading.Thread(target=sample_cpu, args=(timeline, is_over))
    sampler.start()
    status: object = 0
    try:
        with watched(timeline):
            app(["run", *arguments])
    except (SystemExit, typer.Exit) as ended:
        status = ended.code if isinstance(ended, SystemExit) else ended.exit_code
    finally:
        is_over.set()
        sampler.join()
    show(timeline, options.longest)
    sys.exit(status if isinstance(status, int) else 1)


if __name__ == "__main__":
    main()
