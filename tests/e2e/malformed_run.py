"""``createflow run`` as a process of its own against a target with one bad habit."""

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.malformed_server import Habit, malformed_server

LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended."""

    code: int
    out: str
    err: str
    elapsed_s: float


def run_against(
    habit: Habit,
    profile: str,
    folder: Path,
    *options: str,
    command: str = "run",
    closes: bool = False,
    **environment: str,
) -> Ended:
    """Write the profile, with ``{url}`` filled in, into the folder and run the command there."""

    async def run() -> Ended:
        async with malformed_server(habit, closes=closes) as url:
            (folder / "createflow.toml").write_text(profile.replace("{url}", url))
            start = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "createflow", command, *options),
                cwd=folder,
                env={**os.environ, **environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                out, err = await asyncio.wait_for(process.communicate(), LONGEST_S)
            except TimeoutError:
                process.kill()
                await process.wait()
                raise
            return Ended(process.returncode or 0, out.decode(), err.decode(), time.monotonic() - start)

    return asyncio.run(run())
