"""The use case of ``createflow bench --find-max``: find the highest rate that holds, then report a run at it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from createflow.scenarios.benchmark.run import Observer, benchmark, load_session, remove_created
from createflow.scenarios.benchmark.session import open_session
from createflow.scenarios.harness.ending import acknowledge_signal
from createflow.scenarios.harness.guardian.client import Guarding
from createflow.scenarios.load.accounting.ledger import count_in_window, sum_counters
from createflow.scenarios.load.capacity.max_rate import Measurement, find_max
from createflow.scenarios.load.fleet.run import LoadResult, StopSignals
from createflow.scenarios.load.host.machine import describe_machine
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.verdict.findings import (
    OF_THE_PROFILE,
    EvaluationContext,
    Objectives,
    evaluate,
    select_objectives,
)
from createflow.scenarios.load.verdict.report import build_report
from createflow.scenarios.load.verdict.validity import count_required_samples
from createflow.schemas.load_finding import Bound, Knee, KneeStep
from createflow.schemas.load_report import LoadReport, Validity
from createflow.schemas.profile import Profile
from createflow.schemas.slo import Metric

_MIN_ACCEPTED_RATIO = 0.99
_DEFAULT_SAMPLES = 100
_PLAIN_RATIO = 0.9
"""A target that accepts less than this of what it is offered does not do so by chance."""
_WARMUP_S = 0.5
"""Of a step: at most, as the target is warm from the steps before."""
_COOL_DOWN_S = 0.5
"""A step ends when its replies are there. This is for the work that the target does after its replies."""


class _Ended(Exception):  # noqa: N818 - not an error of ours
    """The user, or a target that is silent, ended the search during a load."""


async def benchmark_at_max(
    profile: Profile,
    options: LoadOptions,
    *,
    profile_source: str,
    observer: Observer,
    signals: StopSignals,
    slo_source: str = OF_THE_PROFILE,
    guarding: Guarding | None = None,
) -> LoadReport:
    """Find the highest rate that holds the targets, and report a whole, verified run at it.

    Args:
        profile: the target.
        options: the load; the search starts at its rate.
        profile_source: where the profile came from, as text for the report.
        observer: receives a message for every step.
        signals: set by the user to end the search.
        slo_source: who set the SLOs of the profile.
        guarding: how the guardian of each load acts.

    A search that the user ends is reported with the steps until then, and the numbers of its last load.

    Raises:
        CancelledError: the user ended the search before there was a load to report.
    """
    search = _Search(
        profile,
        options,
        observer,
        signals,
        profile_source=profile_source,
        slo_source=slo_source,
        guarding=guarding,
    )
    try:
        return await search.run()
    except (_Ended, asyncio.CancelledError) as ended:
        if search.report is None:
            raise
        if isinstance(ended, asyncio.CancelledError):
            acknowledge_signal()
        is_interrupted = not search.report.silent
        return search.report.model_copy(update={"interrupted": is_interrupted, "knee": search.knee_so_far})


class _Search:
    """Measures one rate after the other, each with a load of its own."""

    def __init__(
        self,
        profile: Profile,
        options: LoadOptions,
        observer: Observer,
        signals: StopSignals,
        *,
        profile_source: str,
        slo_source: str,
        guarding: Guarding | None,
    ) -> None:
        self._slo_source = slo_source
        self._guarding = guarding
        self._profile = profile
        self._options = options
        self._observer = observer
        self._signals = signals
        # Steps are not verified; the run at the end is.
        objectives = select_objectives(profile.slo.targets, options, declared_by=slo_source)
        targets = tuple(target for target in objectives.targets if target.metric is not Metric.VERIFIED)
        self._objectives = replace(objectives, targets=targets)
        self._steps: list[KneeStep] = []
        self._confirmed: dict[float, LoadReport] = {}
        self._profile_source = profile_source
        self.report: LoadReport | None = None
        """Of the last load."""

    @property
    def knee_so_far(self) -> Knee:
        """What was found until the user ended the search."""
        return Knee(bound=Bound.NONE, reason="the search was ended", steps=tuple(self._steps))

    async def run(self) -> LoadReport:
        """Search, then report a whole run at the highest rate."""
        options = self._options
        knee = await find_max(
            self.measure,
            confirm=self.confirm,
            lowest_per_s=options.rate_per_s,
            samples=self.samples,
            cool_down=lambda: asyncio.sleep(_COOL_DOWN_S),
            on_step=self.show,
        )
        self._observer.on_message(f"highest rate: {knee.answer}")
        if knee.bound is Bound.NONE:
            self._observer.on_message(f"the report is of a run at {options.rate_per_s:g}/s, where the search started")
        confirmed = self._confirmed.get(knee.rate_per_s)
        if confirmed is None:
            confirmed = await self._whole(max(knee.rate_per_s, options.rate_per_s), options.duration_s)
        return confirmed.model_copy(update={"knee": knee})

    async def confirm(self, rate_per_s: float, hold_s: float) -> Measurement:
        """Run a whole, verified load: the one that is reported, if it holds."""
        self._observer.on_message(f"{rate_per_s:g}/s for {hold_s:g} s, to be confirmed and verified")
        measured: list[Measurement] = []

        def is_held(result: LoadResult) -> bool:
            measured.append(make_measurement(result, self._objectives))
            return measured[-1].held and measured[-1].valid

        report = await self._whole(rate_per_s, max(hold_s, self._options.duration_s), is_held)
        if report.interrupted or report.silent:
            self.report = report
            raise _Ended
        self._confirmed[rate_per_s] = report
        return measured[-1]

    async def _whole(
        self, rate_per_s: float, duration_s: float, is_worth_verifying: Callable[[LoadResult], bool] = lambda _: True
    ) -> LoadReport:
        return await benchmark(
            self._profile,
            replace(self._options, rate_per_s=rate_per_s, duration_s=duration_s),
            profile_source=self._profile_source,
            slo_source=self._slo_source,
            observer=self._observer,
            signals=self._signals,
            guarding=self._guarding,
            is_worth_verifying=is_worth_verifying,
        )

    @property
    def samples(self) -> int:
        """The arrivals that a step must have to make every percentile target stable."""
        return max(
            (count_required_samples(target) for target in self._objectives.targets if target.is_latency),
            default=_DEFAULT_SAMPLES,
        )

    async def measure(self, rate_per_s: float, hold_s: float) -> Measurement:
        """Run one load."""
        self._observer.on_message(f"{rate_per_s:g}/s for {hold_s:g} s")
        warmup_s = min(self._options.warmup_s, _WARMUP_S)
        options = replace(self._options, rate_per_s=rate_per_s, duration_s=hold_s, warmup_s=warmup_s, verify=False)
        async with open_session(self._profile, options, self._guarding, (self._signals.kill,)) as session:

            def keep(result: LoadResult) -> LoadReport:
                context = EvaluationContext(
                    machine=describe_machine(), notes=session.notes, unverified="a step of the search is not verified"
                )
                count, source = session.principals.count, self._profile_source
                findings = evaluate(result, self._objectives, context)
                report = build_report(result, findings, principals=count, profile_source=source)
                self.report = session.connection.context.mask.record(report)
                return self.report

            def on_partial(result: LoadResult) -> None:
                if self._observer.on_partial is not None:
                    self._observer.on_partial(keep(result).model_copy(update={"knee": self.knee_so_far}))

            result = await load_session(session, None, self._observer, self._signals, on_partial)
            keep(result)
            if not self._signals.kill.is_set() and result.silence is None:
                await remove_created(session, None, result, EvaluationContext(machine=describe_machine()))
        if result.stopped_s is not None:
            raise _Ended
        return make_measurement(result, self._objectives)

    def show(self, step: KneeStep) -> None:
        """Show the result of a step."""
        self._steps.append(step)
        verdict = "held" if step.held else "not held" if step.valid else "not measured"
        self._observer.on_message(
            f"{step.rate_per_s:g}/s: {verdict}, p99 {step.p99_ms:.0f} ms, {step.accepted_per_s:.0f}/s accepted"
        )


def make_measurement(result: LoadResult, objectives: Objectives) -> Measurement:
    """What a load says about its rate. The rate is held only if nearly all requests were accepted too."""
    findings = evaluate(result, objectives, EvaluationContext(machine=describe_machine()))
    counters = sum_counters(result.ledger.measured.values())
    in_window = count_in_window(result.ledger.measured.values())
    accepted = counters.accepted_latencies()
    (p99_ms,) = accepted.percentiles_ms(0.99, worse=counters.scheduled - accepted.count)
    invalid = findings.validity is Validity.INVALID
    return Measurement(
        held=all(slo.held for slo in findings.slos) and in_window.accepted >= _MIN_ACCEPTED_RATIO * in_window.offered,
        valid=not invalid,
        is_plain=in_window.accepted < _PLAIN_RATIO * in_window.offered,
        # If no worker was lost, only the generator's limits make a run invalid.
        generator_limited=invalid and not result.lost,
        # A run that was stopped in its warm-up has no window.
        accepted_per_s=in_window.accepted / result.window_s if result.window_s else 0.0,
        p99_ms=p99_ms,
    )
