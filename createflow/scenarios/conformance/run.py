"""The use case: run checks against a target and report how each ended, also when the run is cut short."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import createflow
from createflow.scenarios.conformance.known_failures import judged
from createflow.scenarios.conformance.run_check import result_of, run_check
from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.probe_set import Kit
from createflow.scenarios.target.cleanup import clean_up
from createflow.scenarios.text.declared_secrets import declared_secrets
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.text.valid_utf8 import wellformed
from createflow.schemas.profile import Profile
from createflow.schemas.report import CheckResult, Level, Outcome, ProfilePlace, RunReport

_AT_ONCE = 8
_CLEANUP_S = 30.0
_HURRIED_CLEANUP_S = 3.0


class Progress(Protocol):
    """Is told what happens while it happens."""

    def planned(self, checks: Sequence[Check]) -> None:
        """These will be run."""

    def started(self, check: Check) -> None:
        """This one runs now."""

    def ended(self, result: CheckResult) -> None:
        """This one is done."""


async def conformance(
    profile: Profile,
    checks: Sequence[Check],
    *,
    source: str,
    progress: Progress,
    place: ProfilePlace | None = None,
    gate: Level = Level.MUST,
    seed: int | None = None,
) -> RunReport:
    """Run the checks: independent ones side by side, then those that disturb others, one by one.

    Cancelling it (Ctrl-C) ends it early: faults are healed, and the report says what was found until then.

    Args:
        source: where the profile came from, in words.
        place: where the profile came from, as a file.
        gate: the weakest level whose failures count.
        seed: of an earlier run, to generate the same cases again.

    Raises:
        UserError: the profile names what cannot be used.
        TargetError: nothing answers at the target's address.
    """
    seed = secrets.randbelow(2**32) if seed is None else seed
    run = _Run(checks, progress, seed)
    mask = Mask()
    for secret, shown in declared_secrets(profile.auth):
        mask.add(secret, shown=shown)
    run_id = secrets.token_hex(4)
    started_at, start = datetime.now(UTC), time.perf_counter()
    interrupted = False
    left_behind: tuple[str, ...] = ()
    kit = Kit(profile, run_id, mask)
    try:
        async with kit:
            try:
                await run.all(kit)
            finally:
                task = asyncio.current_task()
                interrupted = task is not None and task.cancelling() > 0
                if interrupted and task is not None:
                    task.uncancel()
                if profile.target.cleanup:
                    within_s = _HURRIED_CLEANUP_S if interrupted else _CLEANUP_S
                    left_behind = await clean_up(kit.connection, within_s=within_s)
                left_behind = (*left_behind, *await kit.tear_down())
    except asyncio.CancelledError:
        if not interrupted:  # cancelled before the first check: there is nothing to report
            raise
    results = run.results()
    report = RunReport(
        createflow_version=createflow.__version__,
        run_id=run_id,
        started_at=started_at.isoformat().replace("+00:00", "Z"),
        duration_s=round(time.perf_counter() - start, 3),
        target=f"{profile.target.base_url.rstrip('/')}{profile.target.path}",
        profile=source,
        place=place,
        seed=seed,
        gate=gate,
        interrupted=interrupted,
        results=results,
        baseline=judged(profile.baseline, results, today=datetime.now(UTC).date()),
        created=len(kit.connection.created),
        left_behind=left_behind,
    )
    return wellformed(mask.record(report))


class _Run:
    """The checks of one run and how they ended so far."""

    def __init__(self, checks: Sequence[Check], progress: Progress, seed: int) -> None:
        self._checks = checks
        self._progress = progress
        self._seed = seed
        self._results: dict[str, CheckResult] = {}

    async def all(self, kit: Kit) -> None:
        """Run every check."""
        self._progress.planned(self._checks)
        numbered = list(enumerate(self._checks))
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def beside_others(number: int, check: Check) -> None:
            async with at_once:
                await self._one(check, kit, number)

        async with asyncio.TaskGroup() as group:
            for number, check in numbered:
                if not check.disturbs:
                    group.create_task(beside_others(number, check))
        for number, check in numbered:
            if check.disturbs:
                await self._one(check, kit, number)

    def results(self) -> tuple[CheckResult, ...]:
        """In the order of the flow; what did not end was interrupted."""
        missing = {check.id: result_of(check, Outcome.SKIPPED, "interrupted") for check in self._checks}
        return tuple({**missing, **self._results}[check.id] for check in self._checks)

    async def _one(self, check: Check, kit: Kit, number: int) -> None:
        self._progress.started(check)
        if kit.unhealed:
            result = result_of(check, Outcome.SKIPPED, f"the target is not as it was: {kit.unhealed}")
        else:
            result = await run_check(check, kit, number, seed=self._seed)
        self._results[check.id] = result
        self._progress.ended(result)
