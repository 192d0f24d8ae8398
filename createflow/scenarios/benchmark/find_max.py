"""The use case of ``createflow bench --find-max``: search the highest rate that holds, then prove a run at it."""

import asyncio
from dataclasses import replace

from createflow.scenarios.benchmark.run import Audience, benchmark, loaded, staged
from createflow.scenarios.load.accounting.ledger import total
from createflow.scenarios.load.fleet.run import Measured, Signals
from createflow.scenarios.load.host.machine import fingerprint
from createflow.scenarios.load.plan.options import Asked
from createflow.scenarios.load.search.knee import Step, find_max
from createflow.scenarios.load.verdict.findings import Beside, findings_of, targets_of
from createflow.scenarios.load.verdict.report import Findings
from createflow.scenarios.load.verdict.sample_size import needed_for
from createflow.schemas.load_knee import Bound, Knee, KneeStep
from createflow.schemas.load_report import LoadReport, Validity
from createflow.schemas.profile import Profile
from createflow.schemas.slo import Metric, SloTarget

_LEAST_ACCEPTED = 0.99
_FEW_SAMPLES = 100
_COOL_DOWN_S = 1.0
"""Every step waits for its replies; what the target does behind them gets a moment too."""


class SearchInterrupted(Exception):  # noqa: N818 - what the user wanted is no error
    """The user ended the search; ``knee`` is what was found until then."""

    def __init__(self, knee: Knee) -> None:
        super().__init__("the search was ended")
        self.knee = knee


async def benchmark_at_max(
    profile: Profile,
    asked: Asked,
    *,
    profile_source: str,
    audience: Audience,
    signals: Signals,
) -> LoadReport:
    """Find the highest rate that holds the targets, and report a whole, verified run at it.

    Args:
        profile: the target.
        asked: the load, but for its rate: the search begins at that one.
        profile_source: where the profile came from, in words.
        audience: shown every step.
        signals: set by the user to end it.

    Raises:
        SearchInterrupted: by the user, before there was a run to report.
    """
    search = _Search(profile, asked, audience, signals)
    knee = await find_max(
        search.measure,
        lowest_per_s=asked.rate_per_s,
        samples=search.samples,
        cool_down=lambda: asyncio.sleep(_COOL_DOWN_S),
        on_step=search.show,
    )
    audience.tell(f"highest rate: {knee.answer}")
    if knee.bound is Bound.NONE:
        audience.tell(f"the report is of a run at {asked.rate_per_s:g}/s, where the search began")
    report = await benchmark(
        profile,
        replace(asked, rate_per_s=max(knee.rate_per_s, asked.rate_per_s)),
        profile_source=profile_source,
        audience=audience,
        signals=signals,
    )
    return report.model_copy(update={"knee": knee})


class _Search:
    """Measures one rate after the other, each as a load of its own."""

    def __init__(self, profile: Profile, asked: Asked, audience: Audience, signals: Signals) -> None:
        self._profile = profile
        self._asked = asked
        self._audience = audience
        self._signals = signals
        # What was written where is not looked for in a step; the run at the end is verified.
        self._targets = tuple(target for target in targets_of(profile, asked) if target.metric is not Metric.VERIFIED)
        self._steps: list[KneeStep] = []

    @property
    def samples(self) -> int:
        """The arrivals that a step must have for every percentile that is asked for."""
        return max((needed_for(target) for target in self._targets if target.is_latency), default=_FEW_SAMPLES)

    async def measure(self, rate_per_s: float, hold_s: float) -> Step:
        """One load."""
        self._audience.tell(f"{rate_per_s:g}/s for {hold_s:g} s")
        asked = replace(self._asked, rate_per_s=rate_per_s, duration_s=hold_s, verify=False)
        async with staged(self._profile, asked) as stage:
            measured = await loaded(stage, None, self._audience, self._signals)
        if measured.stopped_s is not None:
            raise SearchInterrupted(Knee(bound=Bound.NONE, reason="the search was ended", steps=tuple(self._steps)))
        return step_of(measured, self._targets)

    def show(self, step: KneeStep) -> None:
        """Tell how a step ended."""
        self._steps.append(step)
        verdict = "held" if step.held else "not held" if step.valid else "not measured"
        self._audience.tell(f"{step.rate_per_s:g}/s: {verdict}, p99 {step.p99_ms:.0f} ms, {step.accepted_per_s:.0f}/s")


def step_of(measured: Measured, targets: tuple[SloTarget, ...]) -> Step:
    """What a load says of its rate: held only when nearly everything was accepted too."""
    findings = findings_of(measured, targets, Beside(machine=fingerprint()))
    tally = total(measured.books.measured.values())
    accepted = tally.accepted_latencies()
    (p99_ms,) = accepted.percentiles_ms(0.99, worse=tally.scheduled - accepted.count)
    return Step(
        held=all(slo.held for slo in findings.slos) and tally.accepted >= _LEAST_ACCEPTED * tally.scheduled,
        valid=findings.validity is not Validity.INVALID,
        generator_limited=_by_generator(findings, measured),
        accepted_per_s=tally.accepted_in_window / measured.window_s,
        p99_ms=p99_ms,
    )


def _by_generator(findings: Findings, measured: Measured) -> bool:
    """No verdict although every load process was there: what is missing is the generator's."""
    return findings.validity is Validity.INVALID and not measured.lost
