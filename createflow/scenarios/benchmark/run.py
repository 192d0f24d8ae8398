"""The use case of ``createflow bench``: plan, load, look where the writes arrived, judge."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from createflow.scenarios.benchmark.verified_run import Proof
from createflow.scenarios.load.fleet.preflight import preflight
from createflow.scenarios.load.fleet.progress import Progress, progress_of
from createflow.scenarios.load.fleet.run import Look, Measured, Signals, run_load
from createflow.scenarios.load.host.machine import fingerprint
from createflow.scenarios.load.host.proc import cpu_times, steal_ratio
from createflow.scenarios.load.host.same_host import is_this_machine
from createflow.scenarios.load.plan.options import Asked
from createflow.scenarios.load.plan.plan import LoadPlan, make_plan
from createflow.scenarios.load.plan.principals import DEFAULT_COUNT, Principals, enough_principals
from createflow.scenarios.load.verdict.compare import compare
from createflow.scenarios.load.verdict.findings import Beside, findings_of, targets_of
from createflow.scenarios.load.verdict.report import report_of
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.setup_requests import set_up, tear_down
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.text.valid_utf8 import wellformed
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile


def _nothing(_: object) -> None:
    """Nobody looks."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is shown what while a run goes on."""

    show: Callable[[Progress], None] = _nothing
    """The state, about once a second."""
    tell: Callable[[str], None] = _nothing
    """What a user should know at once, in words."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A target that has been found to work, and those who will ask it."""

    plan: LoadPlan
    principals: Principals
    connection: HttpConnection
    known: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


async def benchmark(
    profile: Profile,
    asked: Asked,
    *,
    profile_source: str = "",
    baseline: LoadReport | None = None,
    ceiling_per_s: float | None = None,
    audience: Audience | None = None,
    signals: Signals | None = None,
) -> LoadReport:
    """Offer a schedule of requests, account for every single one, and judge.

    Args:
        profile: the target, its sinks and its targets.
        asked: what load, and what is to be done with it.
        profile_source: where the profile came from, in words, for the report.
        baseline: an earlier report to compare with.
        ceiling_per_s: what the generator can send at most here, if that was measured.
        audience: shown the progress.
        signals: set by the user to end the run; the report then covers what was measured until then.

    Raises:
        UserError: asked for nonsense, or the target says that we ask wrongly.
        TargetError: the target or the load generator cannot be reached.
    """
    audience = audience or Audience()
    signals = signals or Signals(asyncio.Event(), asyncio.Event())
    targets = targets_of(profile, asked)
    same_host = await asyncio.to_thread(is_this_machine, profile.target.base_url)
    async with staged(profile, asked) as stage, AsyncExitStack() as scope:
        proof: Proof | None = None
        if asked.verify:
            proof = await scope.enter_async_context(Proof(stage.plan, stage.principals, stage.connection))
        before = cpu_times()
        measured = await loaded(stage, proof, audience, signals)
        stolen_ratio = steal_ratio(before, cpu_times())
        beside = Beside(
            machine=fingerprint(same_host=same_host, steal_ratio=stolen_ratio),
            ceiling_per_s=ceiling_per_s,
            notes=stage.notes,
        )
        if proof is not None:
            verification = await proof.given(measured, audience.show)
            beside = replace(
                beside,
                verification=verification,
                lags=proof.lags(measured),
                notes=(*beside.notes, *proof.notes),
            )
        report = report_of(
            measured,
            findings_of(measured, targets, beside),
            principals=stage.principals.count,
            profile_source=profile_source,
        )
        if baseline is not None:
            report = report.model_copy(update={"comparison": compare(baseline, report)})
        # No text of a target may carry a secret of ours, or break a format.
        return wellformed(stage.connection.mask.record(report))


@asynccontextmanager
async def staged(profile: Profile, asked: Asked) -> AsyncIterator[Stage]:
    """Work out the run, make what must exist, and see one create succeed; what was made is torn down at the end."""
    plan = make_plan(profile, asked)
    mask = Mask()
    wanted = asked.users or DEFAULT_COUNT
    count = enough_principals(wanted, rate_per_s=plan.schedule.peak_per_s, limits=profile.limits)
    connection = HttpConnection(profile, plan.run_id, mask)
    try:
        async with Principals(profile, count, run_id=plan.run_id, mask=mask) as principals:
            await set_up(connection, profile.setup, principals.one())
            try:
                known = await preflight(plan, principals, connection)
                yield Stage(plan, principals, connection, known, _notes(profile, asked, plan, principals))
            finally:
                await tear_down(connection, profile.teardown, principals.one())
    finally:
        await connection.close()


async def loaded(stage: Stage, proof: Proof | None, audience: Audience, signals: Signals) -> Measured:
    """Carry out the load, shown to the audience second by second.

    Args:
        stage: as ``staged`` gave it.
        proof: samples meanwhile, if there is one.
        audience: shown the progress.
        signals: set by the user to end it.
    """
    lags: dict[int, Mapping[str, float]] = {}

    def look(state: Look) -> None:
        if proof is not None:
            lags[max(state.series.seconds, default=0)] = proof.latest_lags()
        progress = progress_of(state, stage.plan, lags)
        if progress is not None:
            audience.show(progress)

    return await run_load(
        stage.plan,
        stage.principals,
        variables=stage.connection.variables,
        known=stage.known,
        signals=signals,
        on_look=look,
        tell=audience.tell,
    )


def _notes(profile: Profile, asked: Asked, plan: LoadPlan, principals: Principals) -> tuple[str, ...]:
    """How the run differs from what was asked, as far as that is known before it."""
    notes = []
    if asked.users and principals.count > asked.users:
        notes.append(f"{principals.count} users instead of {asked.users}, so that each stays below its rate limit")
    limit_per_s = profile.limits.rate_per_s * principals.count if profile.limits else math.inf
    if plan.schedule.peak_per_s > limit_per_s:
        notes.append("the profile names too few who may create to stay below the rate limit: expect 429")
    if profile.target.cleanup and not asked.clean_up:
        notes.append("what the load created stays on the target: --clean-up takes it away")
    return tuple(notes)
