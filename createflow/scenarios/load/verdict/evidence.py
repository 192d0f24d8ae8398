"""The evidence for the validity of a run, and whether the target or the generator caused a missed target."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.verdict.slo_verdict import applied_rate_bound, observed_value, outcomes_for
from createflow.scenarios.load.verdict.windows import Outcomes, Window, merge_outcomes
from createflow.schemas.load_report import Machine, SloVerdict, WorkerHealth
from createflow.schemas.operation import Operation
from createflow.schemas.slo import Metric, SloTarget

_SLOW_MS = 500.0
"""A mean service time above this is slow even without a latency target: senders are planned for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One run: its targets, the outcomes of its arrivals, and the health of the generator."""

    targets: Sequence[SloTarget]
    slos: Sequence[SloVerdict]
    """The verdict on each target, in the same order."""
    whole: Window
    """The measured window."""
    service: Mapping[Operation, Histogram]
    """From the true send time to the last byte of the reply."""
    pacing: Histogram
    """How late the generator woke up for each arrival."""
    peak_offered_per_s: float
    """The highest rate of the schedule."""
    workers: Sequence[WorkerHealth]
    machine: Machine

    @property
    def total(self) -> Outcomes:
        """All operations together."""
        return merge_outcomes(self.whole.by_operation.values())

    @property
    def pacing_p99_ms(self) -> float:
        """How late the generator woke up (p99)."""
        (p99_ms,) = self.pacing.percentiles_ms(0.99)
        return p99_ms

    @property
    def tightest_ms(self) -> float:
        """The lowest latency bound; infinite without a latency target."""
        return min((target.bound_ms for target in self.targets if target.is_latency), default=math.inf)

    def service_of(self, operation: Operation | None) -> Histogram:
        """The service times of an operation; None for all."""
        total = Histogram()
        for each, histogram in self.service.items():
            if operation in {None, each}:
                total.add(histogram)
        return total


def is_missed_by_target(target: SloTarget, evidence: Evidence) -> bool:
    """Whether a missed target would have been missed with a perfect generator too.

    Evaluated over the whole run, even if the target has a window length.
    """
    outcomes = outcomes_for(target, evidence.whole)
    not_accepted = outcomes.not_accepted - outcomes.unsent
    if target.metric is Metric.ERRORS:
        sent = outcomes.scheduled - outcomes.unsent
        return sent > 0 and not target.is_met_by(100 * not_accepted / sent)
    if target.is_minimum:
        return _is_rate_missed_by_target(target, outcomes, evidence)
    if not (service := evidence.service_of(target.operation)).count:
        return not_accepted > 0
    served = replace(outcomes, not_accepted=not_accepted, accepted=service)
    observed = observed_value(target, served, evidence.whole.duration_s)
    observed_ms = observed * 1000 if target.unit == "s" else observed
    # The time of a reply is taken when its sender wakes up, which can be as late as the pacer was.
    return math.isinf(observed_ms) or observed_ms - evidence.pacing_p99_ms > target.bound_ms


def _is_rate_missed_by_target(target: SloTarget, outcomes: Outcomes, evidence: Evidence) -> bool:
    if math.isinf(evidence.tightest_ms) and evidence.service_of(target.operation).mean_ms > _SLOW_MS:
        return True
    duration_s = evidence.whole.duration_s
    not_verified = 0
    if target.metric is Metric.VERIFIED:
        if outcomes.verified_in_window is None:
            return False
        not_verified = outcomes.accepted_in_window - outcomes.verified_in_window
    # A perfect generator could have had all that were accepted late, and all that were not sent, accepted in time.
    possible = outcomes.accepted.count + outcomes.unsent - not_verified
    return duration_s > 0 and possible / duration_s < applied_rate_bound(target, outcomes, evidence.whole)
