"""The guardian ends the processes of the stack with its owner, and no others."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from createflow.reference_server.stack import guardian

Owner = tuple[subprocess.Popen[bytes], int]

SLEEPER = [sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"]


def spawn(directory: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a process that never ends by itself."""
    with log.open("ab") as errors:
        return subprocess.Popen(SLEEPER, cwd=directory, stderr=errors, start_new_session=True)


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    """A guardian over ``tmp_path/stack`` and the end of the pipe that keeps it waiting."""
    (tmp_path / "stack" / "engine").mkdir(parents=True)
    (tmp_path / "logs").mkdir()
    (tmp_path / "outside").mkdir()
    reader, writer = os.pipe2(os.O_CLOEXEC)
    process = subprocess.Popen(
        [
            sys.executable,
            "-I",
            "-S",
            str(guardian.__file__),
            str(tmp_path / "stack"),
            str(tmp_path / "logs"),
            "--remove",
            str(tmp_path / "outside"),
        ],
        stdin=reader,
    )
    os.close(reader)
    yield process, writer
    if process.poll() is None:
        process.kill()
        process.wait()


def test_everything_in_its_directories_ends_when_the_pipe_does(tmp_path: Path, owner: Owner) -> None:
    """Also a process that ignores SIGTERM, and one that is stopped."""
    guardian_process, writer = owner
    log = tmp_path / "logs" / "engine.log"
    plain, stopped = spawn(tmp_path / "stack" / "engine", log), spawn(tmp_path / "stack", log)
    stopped.send_signal(signal.SIGSTOP)
    visitor = spawn(tmp_path / "stack" / "engine", tmp_path / "terminal")
    reader = spawn(tmp_path, log)
    try:
        os.close(writer)
        assert guardian_process.wait(timeout=10) == 0
        assert plain.wait(timeout=1) == -signal.SIGKILL
        assert stopped.wait(timeout=1) == -signal.SIGKILL
        assert visitor.poll() is None, "a user's shell may be in a directory of the stack"
        assert reader.poll() is None, "a user may follow a log of the stack"
        assert not (tmp_path / "outside").exists(), "it was to be removed"
        assert (tmp_path / "stack").exists(), "it was not"
    finally:
        for outsider in (visitor, reader):
            outsider.kill()
            outsider.wait()


def test_a_signal_does_not_end_the_guardian_before_its_work(tmp_path: Path, owner: Owner) -> None:
    """The owner handles a Ctrl-C in the terminal."""
    guardian_process, writer = owner
    child = spawn(tmp_path / "stack", tmp_path / "logs" / "engine.log")
    wait_until_it_ignores_sigint(guardian_process.pid)
    guardian_process.send_signal(signal.SIGINT)
    guardian_process.send_signal(signal.SIGTERM)
    os.close(writer)
    assert guardian_process.wait(timeout=10) == 0
    assert child.wait(timeout=1) == -signal.SIGKILL


def wait_until_it_ignores_sigint(pid: int) -> None:
    """Until the interpreter has run far enough to have set its handlers."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        ignored = next(
            int(line.split()[1], 16)
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("SigIgn")
        )
        if ignored & (1 << (signal.SIGTERM - 1)):
            return
    pytest.fail("the guardian did not set its handlers")
