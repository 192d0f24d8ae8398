"""Whatever ends a bench or one of its processes: it reports what was measured, and nothing of it runs on."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from createflow.cli.exit_code import ExitCode
from createflow.scenarios.reports.saved import read_load_report
from tests.processes import alive
from tests.scenarios.load.conftest import Stub, start_stub
from tests.scenarios.malformed_server import malformed_server, reply
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


def until(condition: Callable[[], bool], *, lacking: Callable[[], object] = str) -> None:
    """Look until it holds. ``lacking`` gives what there is instead, for the message when it does not."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"it did not become so: {lacking()}"
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


@pytest.mark.many(one_in=4)
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


@pytest.mark.many(one_in=4)
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


@pytest.mark.many(one_in=4)
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


PROFILE = """
[target]
base_url = "{url}"
cleanup = true
[[teardown]]
method = "DELETE"
path = "/tenants/1"
"""
ENDS: dict[str, tuple[signal.Signals, ...]] = {
    "KILL": (signal.SIGKILL,),
    "two INT": (signal.SIGINT, signal.SIGINT),
    **{name: (number,) for name, number in SIGNALS.items()},
}
MODES = {"one process": ("--workers", "1"), "two workers": ("--workers", "2"), "a master": ()}


class Api:
    """Creates and deletes, and knows what is there."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.created = 0
        self.torn_down = 0
        self._numbers = itertools.count()

    def __call__(self, request: bytes) -> bytes:
        """The reply to a request."""
        method, path = request.split()[:2]
        if path == b"/tenants/1":
            self.torn_down += 1
            return reply("204 No Content", b"")
        if method == b"DELETE":
            name = path.decode().rpartition("/")[2]
            is_there = name in self.there
            self.there.discard(name)
            return reply("204 No Content" if is_there else "404 Not Found", b"")
        if method != b"POST":
            return reply("200 OK")
        name = str(next(self._numbers))
        self.created += 1
        self.there.add(name)
        body = f'{{"id": "{name}", "name": "x"}}'.encode()
        return reply("201 Created", body, headers=f"location: /api/resources/{name}\r\n")


def _ended(folder: Path, api: Api, numbers: tuple[signal.Signals, ...], *options: str) -> Command:
    """End a bench in the middle, and wait until nothing of it runs on."""
    commands: list[Command] = []

    def end() -> Command:
        arguments = ("--rate", "50", "--duration", "10m", "--warmup", "0s", "--report", "json=r.json", *options)
        if "--workers" in options:
            bench = Command(folder, *arguments)
        else:
            bench = Command(folder, *arguments, "--workers", "1", "--master", "127.0.0.1:0")
            commands.append(bench)
            bench.says("createflow bench --worker ")
            address = bench.said.rpartition("--worker ")[2].split()[0]
            commands.append(Command(folder, "--worker", address, name="worker"))
        until(lambda: (api.created > 60 and (folder / "r.json").exists()) or bench.process.poll() is not None)
        for number in numbers:
            bench.process.send_signal(number)
        for command in (bench, *commands):
            command.ends()
        until(lambda: not processes_of(folder), lacking=lambda: (processes_of(folder), bench.said))
        return bench

    async def run() -> Command:
        async with malformed_server(api) as url:
            (folder / "createflow.toml").write_text(PROFILE.replace("{url}", url))
            return await asyncio.to_thread(end)

    return asyncio.run(run())


@pytest.mark.many(one_in=15)
@pytest.mark.parametrize("numbers", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_what_a_bench_created_is_removed(
    tmp_path: Path, mode: tuple[str, ...], numbers: tuple[signal.Signals, ...]
) -> None:
    """Whatever ends it in the middle. The tear-down request is sent once, and the report has what was measured."""
    api = Api()
    bench = _ended(tmp_path, api, numbers, "--clean-up", *mode)
    assert (api.there, api.torn_down) == (set(), 1), bench.said
    is_killed = numbers == (signal.SIGKILL,)
    assert bench.process.returncode == (-signal.SIGKILL if is_killed else ExitCode.INTERRUPTED), bench.said
    report = read_load_report(tmp_path / "r.json")
    assert report.interrupted
    assert report.ledger.completed > 0


@pytest.mark.thorough
def test_a_bench_that_was_not_to_remove_anything_is_only_torn_down(tmp_path: Path) -> None:
    """The profile allows deleting, and the user did not ask for it."""
    api = Api()
    _ended(tmp_path, api, ENDS["KILL"], *MODES["one process"])
    assert (len(api.there), api.torn_down) == (api.created, 1)


@pytest.mark.many(one_in=5)
@pytest.mark.parametrize("numbers", ENDS.values(), ids=ENDS)
def test_a_bench_that_is_ended_before_its_load_is_torn_down(
    tmp_path: Path, numbers: tuple[signal.Signals, ...]
) -> None:
    """The create that it tries first is not answered. There is nothing to report."""
    api, asked = Api(), threading.Event()

    def habit(request: bytes) -> bytes | None:
        if request.startswith(b"POST"):
            asked.set()
            return None
        return api(request)

    def end() -> Command:
        bench = Command(tmp_path, "--rate", "50", "--duration", "10m", "--clean-up")
        until(lambda: asked.is_set() or bench.process.poll() is not None)
        for number in numbers:
            bench.process.send_signal(number)
        bench.ends()
        until(lambda: not processes_of(tmp_path), lacking=lambda: (processes_of(tmp_path), bench.said))
        return bench

    async def run() -> Command:
        async with malformed_server(habit) as url:
            (tmp_path / "createflow.toml").write_text(PROFILE.replace("{url}", url))
            return await asyncio.to_thread(end)

    bench = asyncio.run(run())
    is_killed = numbers == (signal.SIGKILL,)
    assert bench.process.returncode == (-signal.SIGKILL if is_killed else ExitCode.INTERRUPTED), bench.said
    # Sent again by the guardian when the second signal came before its reply.
    assert api.torn_down == 1 or (api.torn_down == 2 and len(numbers) == 2)
