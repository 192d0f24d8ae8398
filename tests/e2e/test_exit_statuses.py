"""An exit status means what it says, whatever happens to the streams, the disk, the terminal and the process."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from createflow.cli.exit_code import ExitCode
from createflow.scenarios.reports.conformance.renderers import RENDERERS
from createflow.scenarios.reports.saved import read_conformance_report
from createflow.schemas.report import Outcome
from tests.scenarios.malformed_server import Habit, malformed_server, reply

PROFILE = '[target]\nbase_url = "{url}"\ntimeout_s = 20\ncleanup = true\n'
CREATEFLOW = (sys.executable, "-m", "createflow")
FULL_DISK_BYTES = 2000
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def _ok(request: bytes) -> bytes:
    return reply("201 Created", b'{"id": "1", "name": "x"}', headers="location: /api/resources/1\r\n")


READ, DELETE = "GET /api/resources/1", "DELETE /api/resources/1"


def _asked(request: bytes) -> str:
    return request.partition(b" HTTP/")[0].decode()


def _in_shell(script: str, folder: Path, **environment: str) -> tuple[int, str]:
    """Status and output of a line of bash, in which ``$C`` is the command."""
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**os.environ, "C": " ".join(CREATEFLOW), **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _run_in_shell(script: str, folder: Path, habit: Habit = _ok) -> tuple[int, str]:
    async def run() -> tuple[int, str]:
        async with malformed_server(habit) as url:
            (folder / "createflow.toml").write_text(PROFILE.replace("{url}", url))
            return await asyncio.to_thread(_in_shell, script, folder)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("$C checks | head -1; exit ${PIPESTATUS[0]}", ExitCode.OK),
        ("$C checks 2>&1 >/dev/full", ExitCode.UNREACHABLE),
        ("$C checks >&-", ExitCode.OK),
        ("$C checks 2>&-", ExitCode.OK),
        ("$C checks <&- >&- 2>&-", ExitCode.OK),
        ("$C no-such-command | head -1; exit ${PIPESTATUS[0]}", ExitCode.USAGE),
        ("$C report no-such-file 2>&-", ExitCode.USAGE),
        ("env -i $C checks", ExitCode.OK),
        ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 $C checks auth_check.missing_token_is_401", ExitCode.OK),
        ("PYTHONIOENCODING=ascii $C checks auth_check.missing_token_is_401", ExitCode.OK),
        ("COLUMNS=20 $C checks", ExitCode.OK),
        ("mkdir gone; cd gone; rmdir ../gone; $C run", ExitCode.USAGE),
    ],
)
def test_streams_and_surroundings_do_not_change_a_status(tmp_path: Path, script: str, status: ExitCode) -> None:
    """A reader that goes away, closed streams, a full disk, no environment, a poor locale, no current folder."""
    code, said = _in_shell(script, tmp_path)
    assert code == status, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.parametrize("stream", ["| head -1", "| true", ">/dev/full", ">&-"])
def test_a_run_keeps_its_verdict_and_its_reports_when_nobody_reads(tmp_path: Path, stream: str) -> None:
    """As ``createflow run | head -1``: the verdict of the checks is the status, and the file is whole."""
    script = f"$C run --only response.create_is_201 --report json=r.json {stream}; exit ${{PIPESTATUS[0]}}"
    code, said = _run_in_shell(script, tmp_path)
    assert code == ExitCode.OK, said
    assert read_conformance_report(tmp_path / "r.json").results[0].outcome is Outcome.PASSED
    assert ("<stdout> cannot be written: No space left on device" in said) == ("full" in stream)


def test_a_full_disk_costs_neither_the_verdict_nor_what_still_fits(tmp_path: Path) -> None:
    """No file may be longer than 2,000 bytes; only the text report is shorter. Each other one is told, once."""
    options = " ".join(f"--report {form}=r.{form}" for form in RENDERERS)
    limit = f"ulimit -f {FULL_DISK_BYTES // 1000}"
    code, said = _run_in_shell(
        f"{limit}; $C run --only response.create_is_201 --only response.location_is_given {options}", tmp_path
    )
    assert code == ExitCode.OK, said
    written = {file.suffix.removeprefix(".") for file in tmp_path.glob("r.*")}
    assert "text" in written
    assert "html" not in written
    for form in set(RENDERERS) - written:
        assert f"r.{form}: the report cannot be written: File too large" in said
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


@pytest.mark.many(one_in=4)
@pytest.mark.parametrize("command", ["run", "bench --duration 1s", "bench --find-max", "bench --self-test"])
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_at_the_start_is_an_interruption(tmp_path: Path, number: signal.Signals, command: str) -> None:
    """While the stack, or the stub, starts: status 130, no traceback, nothing left in the temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL's user must be able to enter
        process = subprocess.Popen(
            [*CREATEFLOW, *command.split()],
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": name},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said = process.stdout.readline()
        process.send_signal(number)
        rest, _ = process.communicate(timeout=180)
        assert process.returncode == ExitCode.INTERRUPTED, said + rest
        assert "Traceback" not in rest
        assert list(folder.iterdir()) == []


def _interrupted(
    folder: Path, habit: Habit, until: Callable[[], bool], numbers: tuple[signal.Signals, ...], *options: str
) -> tuple[int, str]:
    """Send the signals to a run, each after one more request for which ``until`` holds."""
    turn = asyncio.Semaphore(0)

    def counted(request: bytes) -> bytes | None:
        answer = habit(request)
        if until():
            turn.release()
        return answer

    async def run() -> tuple[int, str]:
        async with malformed_server(counted) as url:
            (folder / "createflow.toml").write_text(PROFILE.replace("{url}", url))
            process = await asyncio.create_subprocess_exec(
                *CREATEFLOW, "run", *options, cwd=folder,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            async with asyncio.timeout(60):
                for number in numbers:
                    await turn.acquire()
                    process.send_signal(number)
                out, _ = await process.communicate()
            return process.returncode or 0, out.decode()

    return asyncio.run(run())


def test_a_second_signal_ends_the_clean_up_and_not_the_report(tmp_path: Path) -> None:
    """Reads hang, and so do deletions. Every format tells that the guardian goes on."""
    asked: list[str] = []

    def habit(request: bytes) -> bytes | None:
        asked.append(_asked(request))
        return None if asked[-1] in {READ, DELETE} else _ok(request)

    options = [part for form in RENDERERS for part in ("--report", f"{form}=r.{form}")]
    code, said = _interrupted(
        tmp_path,
        habit,
        lambda: asked[-1] in {READ, DELETE},
        (signal.SIGINT, signal.SIGTERM),
        *("--only", "response.location_answers_the_same", *options),
    )
    assert code == ExitCode.INTERRUPTED, said
    report = read_conformance_report(tmp_path / "r.json")
    assert report.interrupted
    assert (report.left_behind, report.left_to_guardian) == ((), ("1 created resource",))
    for form in RENDERERS:
        assert report.left_to_guardian[0] in (tmp_path / f"r.{form}").read_text(encoding="utf-8")


def test_a_killed_run_leaves_what_it_found(tmp_path: Path) -> None:
    """The last check hangs when the run is killed: the JSON report holds the others, as an interrupted run's."""
    asked: list[str] = []

    def habit(request: bytes) -> bytes | None:
        asked.append(_asked(request))
        done = (tmp_path / "r.json").exists()
        return None if done and asked[-1] == READ else _ok(request)

    code, said = _interrupted(
        tmp_path,
        habit,
        lambda: asked[-1] == READ and (tmp_path / "r.json").exists(),
        (signal.SIGKILL,),
        *("--only", "response", "--report", "json=r.json"),
    )
    assert code == -signal.SIGKILL, said
    report = read_conformance_report(tmp_path / "r.json")
    assert report.interrupted
    outcomes = {result.outcome for result in report.results}
    assert outcomes & {Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE}
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_a_terminal_that_is_closed_ends_a_run_as_ctrl_c_does(tmp_path: Path) -> None:
    """Its stdout and stderr are gone; the report is written all the same."""
    asked: list[str] = []

    def habit(request: bytes) -> bytes | None:
        asked.append(_asked(request))
        return None if asked[-1] == READ else _ok(request)

    async def run() -> int:
        async with malformed_server(habit) as url:
            (tmp_path / "createflow.toml").write_text(PROFILE.replace("{url}", url))
            master, terminal = pty.openpty()
            command = (*CREATEFLOW, "run", "--only", "response.location_answers_the_same", "--report", "json=r.json")
            process = await asyncio.create_subprocess_exec(
                *("setsid", "--ctty", "--wait", *command),
                cwd=tmp_path,
                stdin=terminal,
                stdout=terminal,
                stderr=terminal,
            )
            os.close(terminal)
            async with asyncio.timeout(60):
                while READ not in asked:
                    await asyncio.sleep(0)
                    await asyncio.to_thread(os.read, master, 1000)
                os.close(master)
                return await process.wait()

    assert asyncio.run(run()) == ExitCode.INTERRUPTED
    assert read_conformance_report(tmp_path / "r.json").interrupted
