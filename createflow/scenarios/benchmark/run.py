"""The use case of ``createflow bench``: plan, load, verify the writes, evaluate."""

import asyncio
import math
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from createflow.scenarios.benchmark.session import Session, open_session
from createflow.scenarios.benchmark.write_verification import WriteVerification
from createflow.scenarios.harness.ending import acknowledge_signal
from createflow.scenarios.harness.guardian.client import Guarding
from createflow.scenarios.load.fleet.progress import Progress, make_progress
from createflow.scenarios.load.fleet.run import LoadResult, Snapshot, StopSignals, run_load
from createflow.scenarios.load.host.machine import describe_machine, runs_on_this_machine
from createflow.scenarios.load.host.machine_watch import watching_machine
from createflow.scenarios.load.host.proc import compute_steal_ratio, read_cpu_times
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.verdict.comparison import compare
from createflow.scenarios.load.verdict.findings import (
    OF_THE_PROFILE,
    EvaluationContext,
    evaluate,
    select_objectives,
)
from createflow.scenarios.load.verdict.report import build_report
from createflow.scenarios.reports.load.verdict import DECLINED
from createflow.scenarios.verification.clean_up import clean_up
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile
from createflow.schemas.slo import Metric

_NOT_AWAITED = "the user ended the run before its writes were verified"
_CLEAN_UP_S = 600.0
_SILENT_SEARCH_S = 4.0
"""For the sinks of a target that is silent: it may have taken them with it."""
_PARTIAL_EVERY_S = 5.0
"""The first partial report comes after the first second of the load."""


def _ignore(_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Receives what happens during a run."""

    on_progress: Callable[[Progress], None] = _ignore
    """Called about once a second."""
    on_message: Callable[[str], None] = _ignore
    """Called with messages for the user."""
    on_partial: Callable[[LoadReport], None] | None = None
    """Called every few seconds of a load with the report so far, as that of an interrupted run."""


async def benchmark(
    profile: Profile,
    options: LoadOptions,
    *,
    profile_source: str = "",
    slo_source: str = OF_THE_PROFILE,
    baseline: LoadReport | None = None,
    ceiling_per_s: float | None = None,
    observer: Observer | None = None,
    signals: StopSignals | None = None,
    guarding: Guarding | None = None,
    is_worth_verifying: Callable[[LoadResult], bool] = lambda _: True,
) -> LoadReport:
    """Offer a schedule of requests, account for each of them, and evaluate the result.

    Args:
        profile: the target, its sinks and its SLOs.
        options: the load.
        profile_source: where the profile came from, as text for the report.
        slo_source: who set the SLOs of the profile.
        baseline: an earlier report to compare with.
        ceiling_per_s: the generator ceiling, if it was measured.
        observer: receives the progress.
        signals: set by the user to end the run early. The report then covers what was measured until then. When they
            say ``kill``, the guardian does what is left.
        guarding: how the guardian acts, which removes what is left if the run is killed.
        is_worth_verifying: called with what the load measured.

    Raises:
        UserError: an option is not valid, or the target says that the request is wrong.
        TargetError: the target or a load process cannot be reached.
    """
    observer = observer or Observer()
    signals = signals or StopSignals(asyncio.Event(), asyncio.Event())
    objectives = select_objectives(profile.slo.targets, options, declared_by=slo_source)
    same_host = await asyncio.to_thread(runs_on_this_machine, profile.target.base_url)
    is_exact = any(target.metric is Metric.VERIFIED for target in objectives.targets)
    silent = asyncio.Event()
    opened = open_session(profile, options, guarding, (signals.kill, silent), reads_all=is_exact)
    async with opened as session, AsyncExitStack() as scope:
        verification: WriteVerification | None = None
        if options.verify:
            verification = await scope.enter_async_context(
                WriteVerification(session.plan, session.principals, session.connection, session.guardian.on_created)
            )
        before = read_cpu_times()

        def report_of(result: LoadResult, context: EvaluationContext) -> LoadReport:
            findings = evaluate(result, objectives, context)
            count = session.principals.count
            return build_report(result, findings, principals=count, profile_source=profile_source)

        def on_partial(result: LoadResult) -> None:
            if observer.on_partial is not None:
                machine = describe_machine(same_host=same_host)
                notes = (*session.notes, "the run did not end: this is what was measured until then")
                unverified = "the run did not end"
                report = report_of(result, EvaluationContext(machine=machine, notes=notes, unverified=unverified))
                observer.on_partial(session.connection.context.mask.record(report))

        async with watching_machine() as watch:
            result = await load_session(session, verification, observer, signals, on_partial)
        if result.silence is not None:
            silent.set()
            if verification is not None:
                verification.hurry()
        is_unreadable = result.silence is not None and session.plan.read_back_ratio > 0
        if is_unreadable or not is_worth_verifying(result):
            await scope.aclose()
            verification = None
        stolen_ratio = compute_steal_ratio(before, read_cpu_times())
        context = EvaluationContext(
            machine=describe_machine(same_host=same_host, steal_ratio=stolen_ratio),
            ceiling_per_s=ceiling_per_s,
            notes=session.notes,
            watch=watch,
            unverified=_why_unverified(options, result) if verification is None else "",
        )
        context, is_whole = await _verify_and_clean_up(
            session, verification, result, context, observer, signals=signals
        )
        report = report_of(result, context)
        if not is_whole:
            report = report.model_copy(update={"interrupted": True})
        if baseline is not None:
            report = report.model_copy(update={"comparison": compare(baseline, report)})
        # Text from the target must not carry a secret of ours or break a report format.
        return session.connection.context.mask.record(report)


def _why_unverified(options: LoadOptions, result: LoadResult) -> str:
    if not options.verify:
        return DECLINED
    return "the rate was not held" if result.silence is None else "the target is silent"


async def _verify_and_clean_up(
    session: Session,
    verification: WriteVerification | None,
    result: LoadResult,
    context: EvaluationContext,
    observer: Observer,
    *,
    signals: StopSignals,
) -> tuple[EvaluationContext, bool]:
    """What is known after everything, and whether the user let it come to its end. Each cancellation ends one part."""
    is_whole = not signals.kill.is_set()
    if verification is not None:
        verified, notes = None, [_NOT_AWAITED]
        try:
            if is_whole:
                async with asyncio.timeout(None if result.silence is None else _SILENT_SEARCH_S):
                    verified = await verification.verify(result, observer.on_progress)
                notes = []
        except TimeoutError:
            notes = [f"the target is silent, and its sinks were not searched within {_SILENT_SEARCH_S:g} s"]
        except asyncio.CancelledError:
            acknowledge_signal()
            is_whole = False
        context = replace(
            context,
            verification=verified,
            unverified=verification.unverified or (_NOT_AWAITED if verified is None else ""),
            lags=verification.lags(result),
            notes=(*context.notes, *verification.notes, *notes),
        )
    try:
        if not signals.kill.is_set() and result.silence is None:
            context = await remove_created(session, verification, result, context)
    except asyncio.CancelledError:
        acknowledge_signal()
        is_whole = False
    note = await describe_unremoved(session)
    return replace(context, notes=(*context.notes, *note)), is_whole


async def describe_unremoved(session: Session) -> tuple[str, ...]:
    """A note about what the run created and did not delete before its time was up or the user ended it."""
    if not session.guardian.has_created:
        return ()
    if await session.guardian.can_take_over():
        left = ", ".join(session.guardian.at_stake())
        return (f"left to the guardian of the run: {left}; the next command tells what became of it",)
    return ("the run ended before all that it created was deleted",)


async def remove_created(
    session: Session, verification: WriteVerification | None, result: LoadResult, context: EvaluationContext
) -> EvaluationContext:
    """Delete what the run created, as far as a 201 named it, if profile and user say so.

    Returns:
        What is known about the run, with what is left behind.
    """
    if not session.plan.removes_created:
        return context
    own = (*session.connection.context.created, *(verification.sampled() if verification is not None else ()))
    removed = await clean_up(
        session.connection,
        created=result.created,
        writers=session.principals.all(),
        own=own,
        within_s=_CLEAN_UP_S,
        on_own_removed=session.guardian.on_removed,
        on_own_refused=session.guardian.on_listed,
        on_tried=session.guardian.on_rows_tried,
    )
    if context.verification is None:
        kept = result.created.count + result.created.beyond + len(own) - removed
        note = f"{removed} created resources were deleted" + (f"; {kept} stay" if kept > 0 else "")
        return replace(context, notes=(*context.notes, note))
    left_behind = max(0, context.verification.left_behind - removed)
    return replace(context, verification=context.verification.model_copy(update={"left_behind": left_behind}))


async def load_session(
    session: Session,
    verification: WriteVerification | None,
    observer: Observer,
    signals: StopSignals,
    on_partial: Callable[[LoadResult], None] = _ignore,
) -> LoadResult:
    """Run the load of a session.

    Args:
        session: with the target.
        verification: samples consistency during the load, if given.
        observer: receives the progress second by second.
        signals: set by the user to end the run.
        on_partial: called every few seconds with the result so far.
    """
    lags: dict[int, Mapping[str, float]] = {}
    partial_due_s = -math.inf

    def on_snapshot(snapshot: Snapshot) -> None:
        nonlocal partial_due_s
        if snapshot.at_s >= partial_due_s and snapshot.partial is not None:
            partial_due_s = snapshot.at_s + _PARTIAL_EVERY_S
            on_partial(snapshot.partial())
        if verification is not None:
            lags[max(snapshot.series.seconds, default=0)] = verification.latest_lags()
        progress = make_progress(snapshot, session.plan, lags)
        if progress is not None:
            observer.on_progress(progress)

    return await run_load(
        session.plan,
        session.principals,
        variables=session.connection.context.variables,
        known=session.known,
        signals=signals,
        on_snapshot=on_snapshot,
        on_message=observer.on_message,
        on_created=session.guardian.on_rows,
        on_renewed=lambda: session.guardian.set_writers(session.principals.all()),
        late_pipes=session.late_pipes,
    )
