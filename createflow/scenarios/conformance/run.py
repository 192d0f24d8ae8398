"""Runs checks against a target and reports the outcome of each, also when the run is interrupted."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import createflow
from createflow.scenarios.conformance.known_failures import assess
from createflow.scenarios.conformance.run_check import result_of, run_check
from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.target.setup_and_cleanup import clean_up
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Profile
from createflow.schemas.report import CheckResult, Level, Outcome, ProfilePlace, RunReport

_AT_ONCE = 8
_CLEANUP_S = 30.0
_HURRIED_CLEANUP_S = 3.0


class Progress(Protocol):
    """Observer of a run."""

    def planned(self, checks: Sequence[Check]) -> None:
        """These checks will run."""

    def started(self, check: Check) -> None:
        """This check starts."""

    def ended(self, result: CheckResult) -> None:
        """This check has ended."""


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
    """Run the checks: independent ones concurrently, then those that disturb others, one by one.

    Cancelling it (Ctrl-C) ends it early: faults are healed, and the report says what was found until then.

    Args:
        source: where the profile came from, as text for the report.
        progress: is notified while the run goes on.
        place: the file of the profile and its lines, when it has one.
        gate: the weakest level whose failures count.
        seed: of an earlier run, to generate the same cases again.

    Raises:
        UserError: a key, file, variable or address of the profile cannot be used.
        TargetError: nothing answers at the target's address.
    """
    seed = secrets.randbelow(2**32) if seed is None else seed
    run = _Run(checks, progress)
    mask = Mask()
    run_id = secrets.token_hex(4)
    started_at, start = datetime.now(UTC), time.perf_counter()
    interrupted = False
    left_behind: tuple[str, ...] = ()
    probes = ProbeSet(profile, run_id, mask, seed)
    try:
        async with probes:
            try:
                await run.all(probes)
            finally:
                task = asyncio.current_task()
                interrupted = task is not None and task.cancelling() > 0
                if interrupted and task is not None:
                    task.uncancel()
                if profile.target.cleanup:
                    within_s = _HURRIED_CLEANUP_S if interrupted else _CLEANUP_S
                    left_behind = await clean_up(probes.connection, within_s=within_s)
                left_behind = (*left_behind, *await probes.tear_down())
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
        baseline=assess(profile.baseline, results, today=datetime.now(UTC).date()),
        created=len(probes.context.created),
        left_behind=left_behind,
    )
    return mask.record(report)


class _Run:
    """The checks of one run and how they ended so far."""

    def __init__(self, checks: Sequence[Check], progress: Progress) -> None:
        self._checks = checks
        self._progress = progress
        self._results: dict[str, CheckResult] = {}

    async def all(self, probes: ProbeSet) -> None:
        """Run every check."""
        self._progress.planned(self._checks)
        numbered = list(enumerate(self._checks))
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def run_concurrently(number: int, check: Check) -> None:
            async with at_once:
                await self._one(check, probes, number)

        async with asyncio.TaskGroup() as group:
            for number, check in numbered:
                if not check.disturbs:
                    group.create_task(run_concurrently(number, check))
        for number, check in numbered:
            if check.disturbs:
                await self._one(check, probes, number)

    def results(self) -> tuple[CheckResult, ...]:
        """In the order of the flow. A check without a result was interrupted."""
        missing = {check.id: result_of(check, Outcome.SKIPPED, "interrupted") for check in self._checks}
        return tuple({**missing, **self._results}[check.id] for check in self._checks)

    async def _one(self, check: Check, probes: ProbeSet, number: int) -> None:
        self._progress.started(check)
        if probes.unhealed_fault:
            result = result_of(check, Outcome.SKIPPED, f"a fault could not be healed: {probes.unhealed_fault}")
        else:
            result = await run_check(check, probes, number)
        self._results[check.id] = result
        self._progress.ended(result)
