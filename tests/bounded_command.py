"""Runs createflow on something hostile, with a limit of time, and tells how much memory it took."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 300 * 1024 * 1024
MOST_S = 30.0

# A process between us and the command, because only it learns of this command alone how much memory it took.
_BETWEEN = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, capture_output=True, timeout=%s, check=False)
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
json.dump([done.returncode, done.stdout.decode(), done.stderr.decode(), used], sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Bounded:
    """How a command ended."""

    status: int
    output: str
    errors: str
    used_bytes: int
    """The largest resident size of its processes."""


def run_bounded(*arguments: str, folder: Path) -> Bounded:
    """Run createflow, and fail if it takes more than 30 s or 300 MB, or shows a traceback."""
    command = [sys.executable, "-c", _BETWEEN % MOST_S, sys.executable, "-m", "createflow", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=2 * MOST_S, check=False)
    assert "TimeoutExpired" not in done.stderr, f"more than {MOST_S:g} s"
    bounded = Bounded(*json.loads(done.stdout))
    assert "Traceback" not in bounded.errors, bounded.errors
    assert "createflow itself failed" not in bounded.errors, bounded.errors
    assert bounded.used_bytes < MOST_BYTES, f"{bounded.used_bytes / 1024 / 1024:.0f} MiB"
    return bounded


async def run_beside(*arguments: str, folder: Path, env: Mapping[str, str], within_s: float) -> tuple[int, str]:
    """Run createflow while the test serves something. Returns the status, and all that it says.

    Raises:
        TimeoutError: it took longer, and was killed.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "createflow", *arguments),
        cwd=folder,
        env={**os.environ, **env},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), within_s)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, said.decode("utf-8", "replace")
