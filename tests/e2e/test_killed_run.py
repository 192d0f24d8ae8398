"""Whatever ends a run, the target is whole: faults are healed, what was created is removed, nothing of ours runs on."""

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import get_args

import psutil
import pytest

from createflow.cli.exit_code import ExitCode
from createflow.reference_server.stack import control
from createflow.reference_server.stack.state import State
from createflow.scenarios.harness.guardian.records import Record, take_left_records
from createflow.scenarios.reports.saved import read_conformance_report
from createflow.schemas.profile import FaultName
from tests.processes import alive
from tests.scenarios.malformed_server import malformed_server, reply
from tests.up_stack import UpCommand, wait_a_little

CREATEFLOW = (sys.executable, "-m", "createflow")
LIMIT_S = 120.0
WHOLE_LIMIT_S = 30.0
"""The promise is five seconds, measured alone; these tests share two cores with others."""
PROFILE = """
[target]
base_url = "{url}"
timeout_s = 20
cleanup = true
[faults.service_down]
inject = ["sh", "-c", "{inject}"]
heal = ["sh", "-c", "rm fault"]
"""
ENDS = {
    "HUP": (signal.SIGHUP,),
    "TERM": (signal.SIGTERM,),
    "INT": (signal.SIGINT,),
    "two INT": (signal.SIGINT, signal.SIGINT),
    "KILL": (signal.SIGKILL,),
}
FAULTS = {
    "database_error": "transaction.database_error",
    "database_down": "service_router",
    "database_crash": "write_primary.crash",
    "service_down": "service_router",
    "gateway_down": "load_balancer",
    "replica_down": "replicate.lagging",
    "replica_lags": "replicate.cold",
    "search_down": "index_update",
    "search_refuses": "index_update",
    "events_down": "publish_event.killed",
    "late_commits": "publish_event.late",
    "read_error": "connection_pool.failed",
}


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-home"))
    return


def until(condition: Callable[[], bool], limit_s: float = LIMIT_S, *, lacking: Callable[[], object] = str) -> None:
    """Look until it holds.

    Args:
        condition: holds at last.
        limit_s: how long to look.
        lacking: what there is instead, for the message when it does not.
    """
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"it did not become so: {lacking()}"
        wait_a_little()


def processes_of(folder: Path) -> list[int]:
    """The processes of this test: its folder is in their environment, which no command of ours changes."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in process.environ().get("XDG_STATE_HOME", "") and alive(process.pid):
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return [pid for pid in found if pid != os.getpid()]


def end(process: subprocess.Popen[str], numbers: tuple[signal.Signals, ...]) -> str:
    """Send the signals, and return what it said."""
    for number in numbers:
        process.send_signal(number)
    said, _ = process.communicate(timeout=LIMIT_S)
    return said


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A command in the folder."""
    return subprocess.Popen(
        [*CREATEFLOW, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.many(one_in=4)
@pytest.mark.parametrize("numbers", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("when", ["during the injection", "while it is injected"])
def test_a_fault_is_healed_and_what_was_created_is_removed(
    tmp_path: Path, numbers: tuple[signal.Signals, ...], when: str
) -> None:
    """Creates are answered until the fault is in; then they hang, so the run cannot end by itself.

    They hang for ever: a reply that nobody reads would name a resource that is not known.
    """
    fault = tmp_path / "fault"
    made: set[str] = set()
    numbers_of_creates = itertools.count()
    seen: list[bool] = []

    def habit(request: bytes) -> bytes | None:
        name = request.split()[1].decode().rpartition("/")[2]
        if request.startswith(b"DELETE"):
            made.discard(name)
            return reply("204 No Content", b"")
        if fault.exists():
            seen.append(True)
        if seen:
            return None
        if not request.startswith(b"POST"):
            return reply("200 OK")
        number = str(next(numbers_of_creates))
        made.add(number)
        body = f'{{"id": "{number}", "name": "x"}}'.encode()
        return reply("201 Created", body, headers=f"location: /api/resources/{number}\r\n")

    inject = "touch fault; sleep 1; touch fault" if when == "during the injection" else "touch fault"

    async def run() -> tuple[int, str]:
        async with malformed_server(habit) as url:
            (tmp_path / "createflow.toml").write_text(PROFILE.replace("{url}", url).replace("{inject}", inject))
            return await asyncio.to_thread(interrupt)

    def interrupt() -> tuple[int, str]:
        options = ("--only", "service_router.service_down", "--only", "response.create_is_201")
        process = start(tmp_path, "run", *options, "--allow-commands", "--report", "json=r.json")
        until(fault.exists)
        said = end(process, numbers)
        until(
            lambda: not fault.exists() and not made and not processes_of(tmp_path),
            WHOLE_LIMIT_S,
            lacking=lambda: (fault.exists(), made, processes_of(tmp_path), said),
        )
        return process.returncode, said

    code, said = asyncio.run(run())
    is_killed = numbers == (signal.SIGKILL,)
    assert code == (-signal.SIGKILL if is_killed else ExitCode.INTERRUPTED), said
    assert "Traceback" not in said
    report = read_conformance_report(tmp_path / "r.json")
    assert report.interrupted
    assert any(result.outcome.value == "passed" for result in report.results)
    told = subprocess.run(
        [*CREATEFLOW, "run", "--url", "http://127.0.0.1:9"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ("its guardian healed service_down" in told.stderr) == is_killed, told.stderr


def test_there_is_a_row_for_every_fault() -> None:
    """Of a profile."""
    assert set(get_args(FaultName)) == set(FAULTS)


@pytest.mark.many(one_in=18)
@pytest.mark.parametrize("numbers", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_reference_is_whole_whatever_ends_a_run_at_a_fault(
    stack: UpCommand, tmp_path: Path, fault: str, numbers: tuple[signal.Signals, ...]
) -> None:
    """At each fault of the real stack. The report has what was found, and the next run finds nothing amiss."""

    def is_injected() -> bool:
        for file in (tmp_path / "state-home").rglob("runs/*.json"):
            with suppress(ValueError, OSError):  # it is being written, or removed
                return fault in json.loads(file.read_text())["faults"]
        return False

    text = stack.profile_file.read_text(encoding="utf-8")
    (tmp_path / "createflow.toml").write_text(_with_only(text, fault), encoding="utf-8")
    checks = ("--only", FAULTS[fault], "--only", "response.create_is_201")
    process = start(tmp_path, "run", "--allow-commands", *checks, "--report", "json=r.json")
    try:
        until(lambda: is_injected() or process.poll() is not None)
    finally:
        said = end(process, numbers)
    is_killed = numbers == (signal.SIGKILL,)
    assert process.returncode == (-signal.SIGKILL if is_killed else ExitCode.INTERRUPTED), said
    assert "Traceback" not in said
    until(lambda: not processes_of(tmp_path), 2 * WHOLE_LIMIT_S)
    report = read_conformance_report(tmp_path / "r.json")
    assert report.interrupted
    assert any(result.outcome.value == "passed" for result in report.results), said
    records = [(record.healed, record.not_healed) for record in take_left_records()]
    # A second signal may come before or after the heal command.
    left = [([fault], {})] if is_killed else []
    assert records == left or (len(numbers) == 2 and [faults for _, faults in records] == [{}]), said
    # Connections to a database that was killed are made again by and by: `recovery_s` of the profile.
    until(lambda: _is_ready(stack))
    whole = start(tmp_path, "run", "--allow-commands", "--only", "response.create_is_201", "--only", "replicate.every")
    said, _ = whole.communicate(timeout=LIMIT_S)
    assert whole.returncode == ExitCode.OK, said


def _is_ready(stack: UpCommand) -> bool:
    reply = asyncio.run(control.send_command(State(stack.state).control_socket, "status", ""))
    return all(row["status"] == "ready" for row in reply["rows"])


def _with_only(profile: str, fault: str) -> str:
    """The profile with one of its faults."""
    tables = re.split(r"(?m)^(?=\[)", profile)
    return "".join(table for table in tables if not table.startswith("[faults.") or f"faults.{fault}]" in table)


def test_two_runs_with_faults_do_not_meet(tmp_path: Path) -> None:
    """The second names the first, and ends with 3; the third waits and is told for whom."""
    fault = tmp_path / "fault"

    def habit(request: bytes) -> bytes | None:
        if fault.exists():
            return None
        created = reply("201 Created", b'{"id": "1", "name": "x"}', headers="location: /api/resources/1\r\n")
        return created if request.startswith(b"POST") else reply("204 No Content", b"")

    async def run() -> None:
        async with malformed_server(habit) as url:
            (tmp_path / "createflow.toml").write_text(PROFILE.replace("{url}", url).replace("{inject}", "touch fault"))
            await asyncio.to_thread(meet)

    def meet() -> None:
        options = ("--allow-commands", "--only", "service_router.service_down")
        first = start(tmp_path, "run", *options)
        until(fault.exists)
        try:
            second = start(tmp_path, "run", *options)
            said, _ = second.communicate(timeout=LIMIT_S)
            assert second.returncode == ExitCode.UNREACHABLE, said
            assert f"in use by run with faults, process {first.pid} on" in said
            third = start(tmp_path, "bench", "--rate", "10", "--duration", "1s", "--wait-for-lease", "1m")
            assert third.stdout is not None
            lines = iter(third.stdout.readline, "")
            assert any(f"waiting for run with faults, process {first.pid} on" in line for line in lines)
        finally:
            end(first, (signal.SIGINT,))
        rest, _ = third.communicate(timeout=LIMIT_S)
        assert "measuring" in rest

    asyncio.run(run())


def test_the_stack_of_a_killed_run_is_removed_by_the_next_command(tmp_path: Path) -> None:
    """With its keys. A stack that runs, and what is not ours, stays."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL's user must be able to enter
        for other in ("createflow-stack-without-marker", "createflow-other"):
            (folder / other).mkdir()
        (folder / "createflow-stack-link").symlink_to(tmp_path)
        environment = {**os.environ, "TMPDIR": name}
        process = subprocess.Popen(
            [*CREATEFLOW, "run"], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

        def stacks() -> list[Path]:
            return [path for path in folder.glob("createflow-stack-*") if (path / "owner").exists()]

        def next_command() -> str:
            done = subprocess.run(
                [*CREATEFLOW, "run", "--url", "http://127.0.0.1:9"],
                cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S,
            )  # fmt: skip
            return done.stderr

        try:
            until(lambda: any((path / "state" / "profile.toml").exists() for path in stacks()))
            assert "removed" not in next_command()
            assert stacks()
        finally:
            process.kill()
            process.wait()
        until(lambda: not processes_of(tmp_path), WHOLE_LIMIT_S)
        (left,) = stacks()
        assert f"removed the stack that a killed command left in {left}" in next_command()
        assert sorted(path.name for path in folder.iterdir()) == [
            "createflow-other",
            "createflow-stack-link",
            "createflow-stack-without-marker",
        ]


def test_what_a_guardian_did_is_told_in_plain_words() -> None:
    """Nothing of it is told twice."""
    from createflow.cli.left_behind import describe_record

    record = Record(
        run_id="r1", command="run", pid=1, started_at="2026-01-02T03:04:05Z", target="https://x.test/a",
        faults={"database_down": ["docker", "unpause", "my db"]}, created=3, has_ended=True,
        healed=["search_down"], not_healed={"database_down": "docker ended with status 1"}, removed=2,
        left_behind=["https://x.test/a/7"],
    )  # fmt: skip
    assert describe_record(record) == [
        "an earlier run was killed: r1, started 2026-01-02T03:04:05Z, https://x.test/a",
        "  its guardian healed search_down",
        "  database_down may still be injected: docker ended with status 1",
        "    heal it: docker unpause 'my db'",
        "  of 3 resources that it created, 2 were removed",
        "  still there: https://x.test/a/7",
    ]
    record.is_handed_over = True
    assert describe_record(record)[0] == (
        "an earlier run ended before all was removed: r1, started 2026-01-02T03:04:05Z, https://x.test/a"
    )


@pytest.mark.many(one_in=5)
@pytest.mark.parametrize("numbers", ENDS.values(), ids=ENDS)
def test_a_run_that_is_ended_in_its_set_up_is_torn_down(tmp_path: Path, numbers: tuple[signal.Signals, ...]) -> None:
    """The set-up request may have made something, although nobody read the reply."""
    asked, torn_down = threading.Event(), []

    def habit(request: bytes) -> bytes | None:
        if request.startswith(b"POST /tenants"):
            asked.set()
            return None
        if request.startswith(b"DELETE /tenants/1"):
            torn_down.append(request)
        return reply("200 OK")

    def interrupt() -> tuple[int, str]:
        process = start(tmp_path, "run", "--allow-commands", "--only", "response.create_is_201")
        until(lambda: asked.is_set() or process.poll() is not None)
        said = end(process, numbers)
        until(lambda: not processes_of(tmp_path), WHOLE_LIMIT_S, lacking=lambda: (processes_of(tmp_path), said))
        return process.returncode, said

    async def run() -> tuple[int, str]:
        async with malformed_server(habit) as url:
            profile = f'[target]\nbase_url = "{url}"\ntimeout_s = 20\n[[setup]]\npath = "/tenants"\n'
            teardown = '[[teardown]]\nmethod = "DELETE"\npath = "/tenants/1"\n'
            (tmp_path / "createflow.toml").write_text(profile + teardown)
            return await asyncio.to_thread(interrupt)

    code, said = asyncio.run(run())
    assert code == (-signal.SIGKILL if numbers == (signal.SIGKILL,) else ExitCode.INTERRUPTED), said
    assert len(torn_down) == 1 or (len(torn_down) == 2 and len(numbers) == 2)
