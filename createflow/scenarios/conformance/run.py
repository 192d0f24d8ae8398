"""Runs checks against a target and reports the outcome of each, also when the run is interrupted."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol

import createflow
from createflow.scenarios.conformance.causes import doubt_unreported, merge_repeated, merge_shared, report_bad_replies
from createflow.scenarios.conformance.implied import merge_implied
from createflow.scenarios.conformance.known_failures import assess
from createflow.scenarios.conformance.long_bodies import LongBodies
from createflow.scenarios.conformance.observing import Observation
from createflow.scenarios.conformance.preflight import OnLooked, preflight
from createflow.scenarios.conformance.run_check import result_of, run_check
from createflow.scenarios.conformance.silence import Silence, wait_for_silence
from createflow.scenarios.harness.check import Check, Lane
from createflow.scenarios.harness.ending import Left, acknowledge_signal
from createflow.scenarios.harness.guardian.client import Guarding
from createflow.scenarios.harness.observer import Observer
from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile
from createflow.schemas.report import CheckResult, Level, Outcome, ProfilePlace, RunReport

AT_ONCE = 8
"""So many checks run at the same time."""
_HURRIED_CLEANUP_S = 3.0
_UNLEASED = Guarding()


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
    on_partial: Callable[[RunReport], None] | None = None,
    hurry: asyncio.Event | None = None,
    guarding: Guarding = _UNLEASED,
    on_looked: OnLooked | None = None,
    bodies: LongBodies | None = None,
) -> RunReport:
    """Run the checks: independent ones at once, then those that disturb others, then those that look at everything.

    Cancelling it (Ctrl-C) ends it early: faults are healed, and the report says what was found until then.

    Args:
        source: where the profile came from, as text for the report.
        progress: is notified while the run goes on.
        place: the file of the profile and its lines, when it has one.
        gate: the weakest level whose failures count.
        seed: of an earlier run, to generate the same cases again.
        on_partial: receives the report so far after each check, as that of an interrupted run.
        hurry: when it is set, the clean-up ends at once, and the guardian goes on with it.
        guarding: how the run's guardian heals and removes what is left if the run is killed.
        on_looked: receives what the preflight sees before the first check; without it there is none.
        bodies: keeps what the report shows only in part.

    Raises:
        UserError: a key, file, variable or address of the profile cannot be used.
        TargetError: nothing answers at the target's address, or the preflight found why no check could tell anything.
    """
    checks = [check.at_level_for(profile) for check in checks]
    seed = secrets.randbelow(2**32) if seed is None else seed
    mask = Mask()
    run_id = secrets.token_hex(4)
    started_at, start = datetime.now(UTC), time.perf_counter()
    interrupted = False
    silence: Silence | None = None
    left = Left()
    hurry = hurry or asyncio.Event()
    probes = ProbeSet(profile, run_id, mask, seed, guarding, hurry)
    if bodies is not None:
        bodies.watch(probes.context.traffic, mask)

    def report_of(results: tuple[CheckResult, ...]) -> RunReport:
        return RunReport(
            createflow_version=createflow.__version__,
            run_id=run_id,
            started_at=started_at.isoformat().replace("+00:00", "Z"),
            duration_s=round(time.perf_counter() - start, 3),
            target=mask.text(f"{profile.target.base_url.rstrip('/')}{profile.target.path}"),
            profile=mask.text(source),
            place=place,
            seed=seed,
            gate=gate,
            unverified_tls=profile.target.is_unverified,
            interrupted=True,
            results=results,
            baseline=assess(profile.baseline, results, today=datetime.now(UTC).date()),
            created=len(probes.context.created),
            resent=probes.context.traffic.resent,
            indeterminate=len(probes.context.writes.unanswered),
        )

    def on_results(results: tuple[CheckResult, ...]) -> None:
        if on_partial is not None:
            on_partial(report_of(results))

    run = _Run(checks, progress, on_results if on_partial else None, Observation(checks, probes))
    try:
        async with probes:
            try:
                if on_looked is not None:
                    await preflight(probes, on_looked)
                silence = await _run_until_silent(run, probes)
            finally:
                if silence is not None:
                    hurry.set()
                interrupted = acknowledge_signal()
                left, again = await _finished(probes, hurry, is_interrupted=interrupted)
                interrupted = interrupted or again
    except asyncio.CancelledError:
        if not interrupted:  # cancelled before the first check: there is nothing to report
            raise
    results = run.results(probes)
    last = {
        "silent": silence.description if silence is not None else "",
        "interrupted": interrupted,
        "left_behind": left.listed,
        "left_to_guardian": left.to_guardian,
    }
    return mask.record(report_of(results).model_copy(update=last))


async def _run_until_silent(run: "_Run", probes: ProbeSet) -> Silence | None:
    """Run the checks to their end, or until the target answers nothing any more."""
    began_s = time.monotonic()
    # In a task of its own: on Python 3.11 and 3.12 a task stays "cancelling" after a task group of it has dealt with a
    # failure (python/cpython#116720), and would be taken for one that a signal has cancelled.
    checking = asyncio.create_task(run.all(probes))
    listening = asyncio.create_task(wait_for_silence(probes, began_s))
    try:
        await asyncio.wait((checking, listening), return_when=asyncio.FIRST_COMPLETED)
        if checking.done():
            await checking
            return None
        silence = await listening
        run.forget_since(silence.since_s, "the target is silent")
        return silence
    finally:
        for task in (checking, listening):
            task.cancel()
        await asyncio.gather(checking, listening, return_exceptions=True)


async def _finished(probes: ProbeSet, hurry: asyncio.Event, *, is_interrupted: bool) -> tuple[Left, bool]:
    """What the run leaves, and whether the user interrupted its end, which is then cut short like that of others."""
    task = asyncio.ensure_future(probes.finish())
    loop = asyncio.get_running_loop()
    timers = [loop.call_later(_HURRIED_CLEANUP_S, hurry.set)] if is_interrupted else []
    is_cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            is_cancelled = acknowledge_signal()
            timers.append(loop.call_later(_HURRIED_CLEANUP_S, hurry.set))
    for timer in timers:
        timer.cancel()
    return task.result(), is_cancelled


class _Run:
    """The checks of one run and how they ended so far."""

    def __init__(
        self,
        checks: Sequence[Check],
        progress: Progress,
        on_results: Callable[[tuple[CheckResult, ...]], None] | None,
        observation: Observation,
    ) -> None:
        self._checks = checks
        self._observation = observation
        self._progress = progress
        self._on_results = on_results
        self._results: dict[str, CheckResult] = {}
        self._ended_s: dict[str, float] = {}
        self._why_missing = "interrupted"

    async def all(self, probes: ProbeSet) -> None:
        """Run every check, and then ask the observers."""
        self._progress.planned(self._checks)
        at_once = asyncio.Semaphore(AT_ONCE)
        lanes = Lanes()

        async def run_in_turn(checks: Sequence[tuple[int, Check]]) -> None:
            for number, check in checks:
                async with lanes.turn_of(check.lane), at_once:
                    await self._one(check, probes, number)

        for phase in phases(self._checks):
            async with asyncio.TaskGroup() as group:
                for checks in phase:
                    group.create_task(run_in_turn(checks))

    def forget_since(self, since_s: float, why: str) -> None:
        """Forget what ended after this time on the monotonic clock, and say why there is no more."""
        self._why_missing = why
        for check_id, ended_s in self._ended_s.items():
            if ended_s > since_s:
                self._results.pop(check_id, None)

    def results(self, probes: ProbeSet) -> tuple[CheckResult, ...]:
        """In the order of the flow. A check without a result was interrupted."""
        ended = report_bad_replies(self._checks, self._results, probes.bad_replies, probes.mask)
        # Observers leave out what a check has reported, also where another one tells it.
        ended = self._observation.judge(doubt_unreported(ended, probes.causes))
        ended = merge_repeated(self._checks, merge_implied(self._checks, ended))
        ended = merge_shared(self._checks, ended, probes.about)
        missing = {check.id: result_of(check, Outcome.SKIPPED, self._why_missing) for check in self._checks}
        return tuple({**missing, **ended}[check.id] for check in self._checks)

    async def _one(self, check: Check, probes: ProbeSet, number: int) -> None:
        self._progress.started(check)
        if probes.unhealed_fault:
            result = result_of(check, Outcome.SKIPPED, f"a fault could not be healed: {probes.unhealed_fault}")
        elif isinstance(check, Observer):
            result = await self._observation.run(check, probes, number)
        else:
            result = await run_check(check, probes, number)
        self._results[check.id] = result
        self._ended_s[check.id] = time.monotonic()
        if isinstance(check, Observer):
            result = next(ended for ended in self.results(probes) if ended.id == check.id)
        self._progress.ended(result)
        if self._on_results is not None:
            self._on_results(self.results(probes))


class Lanes:
    """Which lanes have a check in progress."""

    def __init__(self) -> None:
        self._busy: set[Lane] = set()
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def turn_of(self, lane: Lane | None) -> AsyncIterator[None]:
        """Wait until no lane is busy that this one must not run beside. Without a lane there is nothing to wait for."""
        if lane is None:
            yield
            return
        while not all(lane.may_run_beside(other) for other in self._busy):
            await self._ended.wait()
        self._busy.add(lane)
        try:
            yield
        finally:
            self._busy.remove(lane)
            self._ended.set()
            self._ended = asyncio.Event()


def phases(checks: Sequence[Check]) -> list[list[list[tuple[int, Check]]]]:
    """One phase after the other; in each, lists of checks that run at the same time, those of one list in turn."""
    numbered = list(enumerate(checks))
    watching = [entry for entry in numbered if isinstance(entry[1], Observer)]
    last = [entry for entry in numbered if entry[1].at_end]
    first = [entry for entry in numbered if not entry[1].disturbs and not entry[1].at_end]
    first.sort(key=lambda entry: _turn(entry[1]))
    disturbing = [entry for entry in numbered if entry not in (*watching, *last, *first)]
    lanes = [[entry for entry in disturbing if entry[1].lane is lane] for lane in Lane]
    alone = [entry for entry in disturbing if entry[1].lane is None]
    return [[[entry] for entry in first], lanes, [alone], [[entry] for entry in last], [watching]]


def _turn(check: Check) -> int:
    """When a check of the first phase begins. Those that wait do it beside the many requests of the steps after them.

    What comes before validation is quick, and a target that has just been started is warm after it.
    """
    if check.step.number < Step.VALIDATION.number:
        return 0
    return 1 if check.waits else 2
