"""A real ``createflow join`` for tests: started, joined, told to leave."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.up_stack import wait_a_little

LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class JoinedProcess:
    """A process that joins, or has joined."""

    process: subprocess.Popen[bytes]
    log: Path
    """Its standard output."""
    told: Path
    """Its standard error: what the user sees."""
    temporary: Path
    """Its folder for temporary files."""
    inside: tuple[str, ...] = ()
    """What to put before a command that is to run where it runs."""

    @property
    def status_url(self) -> str:
        """Where /readyz and /metrics are, on the loopback address where it runs."""
        return next(word for word in self.told.read_text().split() if "/readyz" in word).partition("/readyz")[0]

    def says(self, text: str) -> None:
        """Wait until the user sees this."""
        deadline = time.monotonic() + LIMIT_S
        while text not in self.told.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"never said {text!r}:\n{self.told.read_text()}\n{self.log.read_text()[-2000:]}")
            wait_a_little()

    def requests(self) -> list[dict[str, Any]]:
        """The requests in its log."""
        lines = self.log.read_text().splitlines(keepends=True)
        return [one for line in lines if line.endswith("\n") and (one := json.loads(line))["event"] == "request"]

    def metric(self, name: str) -> float:
        """A value of its /metrics."""
        script = (
            f"import urllib.request as u; print(u.urlopen('{self.status_url}/metrics', timeout=10).read().decode())"
        )
        shown = subprocess.run(
            [*self.inside, sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        return float(next(line for line in shown.splitlines() if line.startswith(f"{name} ")).split()[1])

    def leave(self) -> int:
        """Send SIGTERM and wait for the end; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=LIMIT_S)


@contextmanager
def joined(kind: str, file: Path, folder: Path, *options: str, inside: tuple[str, ...] = ()) -> Iterator[JoinedProcess]:
    """Run ``createflow join``; killed at the end of the block if it still runs.

    Args:
        kind: of the process.
        file: its join file.
        folder: for its output.
        options: of the command.
        inside: a command that runs another one in its place, for example in a network namespace.
    """
    log, told = folder / f"{kind}.log", folder / f"{kind}.told"
    temporary = folder / f"{kind}-temporary"
    temporary.mkdir()
    with log.open("wb") as output, told.open("wb") as errors:
        process = subprocess.Popen(
            [*inside, sys.executable, "-m", "createflow", "join", kind, str(file), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**os.environ, "COLUMNS": "120", "TMPDIR": str(temporary)},
        )
    try:
        yield JoinedProcess(process, log, told, temporary, inside)
    finally:
        process.kill()
        process.wait()
