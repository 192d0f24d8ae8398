"""A conformance run as a command sees it: the target opened, progress on stderr, and an end that cleans up."""

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from createflow.cli import profile_source
from createflow.cli.profile_source import ProfileSource
from createflow.schemas.report import Level, RunReport

if TYPE_CHECKING:
    from createflow.scenarios.harness.check import Check


def watched_run(
    source: ProfileSource, checks: "tuple[Check, ...]", *, gate: Level = Level.MUST, seed: int | None = None
) -> RunReport:
    """Run the checks. Ctrl-C and SIGTERM end it early, with what was created removed and the report whole.

    Raises:
        UserError: the profile cannot be used, or its baseline names no check.
        TargetError: nothing answers.
    """
    return asyncio.run(_run(source, checks, gate, seed))


async def _run(source: ProfileSource, checks: "tuple[Check, ...]", gate: Level, seed: int | None) -> RunReport:
    # Here, so that `--help` and the other commands stay quick.
    from createflow.cli.console import live_progress
    from createflow.scenarios.checks import CHECKS
    from createflow.scenarios.conformance.known_failures import require_known
    from createflow.scenarios.conformance.profile_lines import place_of
    from createflow.scenarios.conformance.run import conformance

    talk = Console(stderr=True)
    talk.print(f"target: {source.told}", soft_wrap=True, highlight=False, markup=False)
    task = asyncio.current_task()
    if task is not None:  # CI systems end a job so
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with profile_source.opened(source, lambda death: talk.print(death, style="red", markup=False)) as profile:
        require_known(profile.baseline, CHECKS)
        place = place_of(source.file, profile, project=_project()) if source.file else None
        with live_progress(talk) as progress:
            return await conformance(
                profile, checks, source=source.told, progress=progress, place=place, gate=gate, seed=seed
            )


def _project() -> Path:
    """The checkout in CI, else the current directory: what file names in a report count from."""
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        if os.environ.get(name):
            return Path(os.environ[name])
    return Path.cwd()
