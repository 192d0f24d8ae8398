"""A real ``createflow up`` for tests: started, ready, ended."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from createflow.schemas import profile_file
from createflow.schemas.profile import Profile

START_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class UpCommand:
    """A ``createflow up`` that is ready."""

    process: subprocess.Popen[bytes]
    state: Path
    output: Path

    @property
    def profile_file(self) -> Path:
        """The profile that it wrote."""
        return self.state / "profile.toml"

    @property
    def profile(self) -> Profile:
        """The same, read."""
        return profile_file.load(self.profile_file)


def stack_status(up: UpCommand) -> str:
    """What ``createflow stack status`` says of it, on a wide terminal."""
    return subprocess.run(
        [sys.executable, "-m", "createflow", "stack", "status", "--state", str(up.state)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "160"},
    ).stdout


def start_up_command(directory: Path, *options: str, state: Path | None = None, umask: int = -1) -> UpCommand:
    """Run ``createflow up`` with its state in ``directory`` and wait until it says that it is ready."""
    output = directory / "up.txt"
    state = state or directory / "state"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "createflow", "up", "--state", str(state), *options],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "COLUMNS": "120"},
            umask=umask,
        )
    up = UpCommand(process, state, output)
    deadline = time.monotonic() + START_LIMIT_S
    while "test it" not in output.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            pytest.fail(f"createflow up did not become ready:\n{output.read_text()}")
        wait_a_little()
    return up


def stop_up_command(up: UpCommand) -> int:
    """End it as Ctrl-C does; its exit status."""
    up.process.send_signal(signal.SIGINT)
    try:
        return up.process.wait(timeout=90)
    except subprocess.TimeoutExpired:
        up.process.kill()
        raise


def wait_a_little() -> None:
    """The pause between two looks at something that another process does."""
    time.sleep(0.02)
