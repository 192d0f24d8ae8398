"""Whatever ends a bench or one of its processes: it reports what was measured, and nothing of it runs on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from createflow.cli.exit_code import ExitCode
from createflow.scenarios.reports.saved import read_load_report
from tests.processes import alive
from tests.scenarios.load.conftest import Stub, start_stub
from tests.up_stack import wait_a_little

__all__ = ["start_stub"]

CREATEFLOW = (sys.executable, "-m", "createflow")
LIMIT_S = 90.0
SIGNALS = {"HUP": signal.SIGHUP, "TERM": signal.SIGTERM, "INT": signal.SIGINT}
StartStub = Callable[[str], Stub]


@pytest.fixture(autouse=True)
def _nothing_runs_on(tmp_path: Path) -> Iterator[None]:
    yield
    for process in processes_of(tmp_path):
        process.kill()


class Command:
    """A ``createflow bench`` whose output can be waited for."""

    def __init__(self, folder: Path, *arguments: str, name: str = "said") -> None:
        self._output = folder / name
        with self._output.open("wb") as file:
            self.process = subprocess.Popen(
                [*CREATEFLOW, "bench", *arguments],
                cwd=folder,
                env={**os.environ, "XDG_STATE_HOME": str(folder / "state-home")},
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        """The output so far."""
        return self._output.read_text(errors="replace")

    def says(self, word: str) -> None:
        """Wait for a word."""
        until(lambda: word in self.said or self.process.poll() is not None)
        assert word in self.said, self.said

    def ends(self) -> int:
        """Wait for its end; its status."""
        try:
            return self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it goes on:\n{self.said}")

    def children(self, module: str) -> list[psutil.Process]:
        """Its processes that run a module."""
        found = psutil.Process(self.process.pid).children()
        return [child for child in found if any(part.endswith(module) for part in child.cmdline())]


def until(condition: Callable[[], bool]) -> None:
    """Look until it holds."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not become so"
        wait_a_little()


def processes_of(folder: Path) -> list[psutil.Process]:
    """The commands of the test and all that they started, by the state folder in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = str(folder) in process.environ().get("XDG_STATE_HOME", "")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if is_ours and process.pid != os.getpid() and alive(process.pid):
            found.append(process)
    return found


@pytest.mark.many(one_in=2)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_bench_that_is_killed_leaves_what_it_measured(start_stub: StartStub, tmp_path: Path, workers: str) -> None:
    """Kill -9 in the middle: the JSON report is whole and interrupted; its load processes end with it."""
    file = tmp_path / "r.json"
    bench = Command(
        tmp_path,
        *("--url", start_stub("fast").url, "--rate", "20", "--duration", "10m", "--warmup", "0s"),
        *("--workers", workers, "--report", f"json={file}"),
    )
    until(lambda: file.exists() or bench.process.poll() is not None)
    bench.process.kill()
    bench.ends()
    until(lambda: not processes_of(tmp_path))
    report = read_load_report(file)
    assert report.interrupted
    assert report.ledger.completed > 0
    assert "the run did not end: this is what was measured until then" in report.notes
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("module", ["node.worker", "node.master"])
def test_a_load_process_that_is_killed_costs_the_verdict_only(
    start_stub: StartStub, tmp_path: Path, module: str
) -> None:
    """The report has what the others measured, and says what is missing."""
    file = tmp_path / "r.json"
    bench = Command(
        tmp_path,
        *("--url", start_stub("fast").url, "--rate", "20", "--duration", "4s", "--warmup", "0s"),
        *("--workers", "2", "--report", f"json={file}"),
    )
    bench.says("measuring")
    bench.children(module)[0].kill()
    assert bench.ends() == ExitCode.INCONCLUSIVE, bench.said
    report = read_load_report(file)
    assert not report.interrupted
    assert sum(bool(worker.lost) for worker in report.worker_health) == (1 if module == "node.worker" else 2)
    assert processes_of(tmp_path) == []


def _two_machines(stub: Stub, folder: Path, *options: str) -> tuple[Command, Command]:
    """A master that measures, and its worker."""
    arguments = ("--url", stub.url, "--rate", "20", "--warmup", "0s", "--workers", "1", "--master", "127.0.0.1:0")
    master = Command(folder, *arguments, *options, name="master")
    master.says("createflow bench --worker ")
    address = master.said.rpartition("--worker ")[2].split()[0]
    worker = Command(folder, "--worker", address, name="worker")
    master.says("measuring")
    return master, worker


def test_a_remote_worker_ends_soon_after_its_master(start_stub: StartStub, tmp_path: Path) -> None:
    """Load must not go on without its owner; Locust alone would wait for a minute."""
    master, worker = _two_machines(start_stub("fast"), tmp_path, "--duration", "10m")
    master.process.kill()
    master.ends()
    start = time.monotonic()
    assert worker.ends() == ExitCode.UNREACHABLE, worker.said
    assert time.monotonic() - start < 30
    assert "the load master is gone" in worker.said
    until(lambda: not processes_of(tmp_path))


def test_a_remote_worker_that_is_killed_is_lost(start_stub: StartStub, tmp_path: Path) -> None:
    """The master reports what it knows, and ends."""
    file = tmp_path / "r.json"
    master, worker = _two_machines(start_stub("fast"), tmp_path, "--duration", "3s", "--report", f"json={file}")
    worker.process.kill()
    worker.ends()
    assert master.ends() == ExitCode.INCONCLUSIVE, master.said
    assert read_load_report(file).worker_health[0].lost
    until(lambda: not processes_of(tmp_path))


@pytest.mark.many(one_in=2)
@pytest.mark.parametrize("number", SIGNALS.values(), ids=SIGNALS)
def test_a_signal_ends_the_wait_for_workers(start_stub: StartStub, tmp_path: Path, number: signal.Signals) -> None:
    """Nothing was measured, so there is nothing to report."""
    bench = Command(
        tmp_path, "--url", start_stub("fast").url, "--workers", "2", "--master", "127.0.0.1:0", "--rate", "20"
    )
    bench.says("waiting for 2 load workers")
    bench.process.send_signal(number)
    assert bench.ends() == ExitCode.INTERRUPTED, bench.said
    assert "createflow: interrupted" in bench.said
    assert processes_of(tmp_path) == []


def test_a_master_ends_with_its_parent_while_it_waits(start_stub: StartStub, tmp_path: Path) -> None:
    """Kill -9 of the parent before any worker has joined."""
    bench = Command(
        tmp_path, "--url", start_stub("fast").url, "--workers", "2", "--master", "127.0.0.1:0", "--rate", "20"
    )
    bench.says("waiting for 2 load workers")
    bench.process.kill()
    bench.ends()
    until(lambda: not processes_of(tmp_path))


@pytest.mark.many(one_in=2)
@pytest.mark.parametrize("number", SIGNALS.values(), ids=SIGNALS)
def test_a_search_that_is_ended_is_reported(start_stub: StartStub, tmp_path: Path, number: signal.Signals) -> None:
    """With its steps until then, and the numbers of the last load."""
    file = tmp_path / "r.json"
    bench = Command(tmp_path, "--url", start_stub("fast").url, "--find-max", "--report", f"json={file}")
    until(lambda: file.exists() or bench.process.poll() is not None)
    bench.process.send_signal(number)
    assert bench.ends() == ExitCode.INTERRUPTED, bench.said
    report = read_load_report(file)
    assert report.interrupted
    assert report.knee is not None
    assert json.loads(file.read_text())["knee"]["reason"] == "the search was ended"
    assert processes_of(tmp_path) == []
