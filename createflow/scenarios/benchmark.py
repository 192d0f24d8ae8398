"""The use case of ``createflow bench``: plan, load, look where the writes arrived, judge."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from createflow.scenarios.load.asked import Asked
from createflow.scenarios.load.compare import compare
from createflow.scenarios.load.plan import LoadPlan, make_plan
from createflow.scenarios.load.preflight import preflight
from createflow.scenarios.load.principals import DEFAULT_COUNT, Principals, enough_principals
from createflow.scenarios.load.progress import Progress, progress_of, verifying
from createflow.scenarios.load.report import report_of
from createflow.scenarios.load.run import Look, Measured, Signals, run_load
from createflow.scenarios.load.verdict import Extra, findings_of, targets_of
from createflow.scenarios.mask import Mask
from createflow.scenarios.probes.http_connection import HttpConnection
from createflow.scenarios.probes.surroundings import set_up, tear_down
from createflow.scenarios.verification.clean_up import clean_up
from createflow.scenarios.verification.reconciliation import Reconciliation
from createflow.scenarios.verification.sampler import Sampler
from createflow.schemas.load_finding import Verification
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile

Show = Callable[[Progress], None]
Tell = Callable[[str], None]


def _nothing(_: object) -> None:
    """Nobody looks."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is shown what while a run goes on."""

    show: Show = _nothing
    """The state, about once a second."""
    tell: Tell = _nothing
    """What a user should know at once, in words."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A target that has been found to work, and those who will ask it."""

    plan: LoadPlan
    principals: Principals
    connection: HttpConnection
    known: tuple[tuple[str, int], ...]
    mask: Mask
    notes: list[str] = field(default_factory=list)


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
    async with staged(profile, asked) as stage, AsyncExitStack() as scope:
        plan = stage.plan
        reconciliation = sampler = None
        if asked.verify:
            reconciliation = await scope.enter_async_context(Reconciliation(profile, stage.mask, plan.run_id))
            sampler = await scope.enter_async_context(_sampler(stage))
        lags: dict[int, Mapping[str, float]] = {}

        def look(state: Look) -> None:
            if sampler is not None and state.at_s > 0:
                lags[int(state.at_s) - 1] = sampler.latest()
            progress = progress_of(state, plan, lags)
            if progress is not None:
                audience.show(progress)

        measured = await run_load(
            plan,
            stage.principals,
            variables=stage.connection.variables,
            known=stage.known,
            signals=signals,
            on_look=look,
            tell=audience.tell,
        )
        extra = Extra(lags=lags, notes=stage.notes, ceiling_per_s=ceiling_per_s)
        if reconciliation is not None and sampler is not None:
            await sampler.stop()
            verification = await _verified(stage, measured, reconciliation, sampler, lags, audience)
            extra = replace(extra, verification=verification)
            if verification is None:
                extra.notes.append(f"not verified: {reconciliation.impossible or measured.writes.unmarked}")
        report = report_of(
            measured,
            findings_of(measured, targets, extra),
            principals=stage.principals.count,
            profile_source=profile_source,
        )
        if baseline is not None:
            report = report.model_copy(update={"comparison": compare(baseline, report)})
        return report
