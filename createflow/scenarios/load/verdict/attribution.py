"""Whose miss it is: what the target would have shown to a generator that sends everything in time."""

import math
from dataclasses import replace

from createflow.scenarios.load.verdict.evidence import Signals
from createflow.scenarios.load.verdict.slo_verdict import concerned, rate_bar, seen_by
from createflow.scenarios.load.verdict.window import Outcomes
from createflow.schemas.slo import Metric, SloTarget

_SLOW_MS = 500.0
"""A mean service time that is slow by any measure, where no latency is asked for: senders are planned for it."""


def missed_by_target(target: SloTarget, signals: Signals) -> bool:
    """Whether a target that was missed would have been missed with a perfect generator too.

    Judged over the whole run, also where the target asks for every window.
    """
    outcomes = concerned(target, signals.whole)
    theirs = outcomes.bad - outcomes.unsent
    if target.metric is Metric.ERRORS:
        sent = outcomes.scheduled - outcomes.unsent
        return sent > 0 and not target.is_met_by(100 * theirs / sent)
    if target.is_minimum:
        return _rate_missed_by_target(target, outcomes, signals)
    # A reply is timed when its sender wakes up, which can be as late as the pacer was.
    forgiven_ms = signals.pacing_p99_ms
    if not (service := signals.service_of(target.operation)).count:
        return theirs > 0
    served = replace(outcomes, bad=theirs, accepted=service)
    seen = seen_by(target, served, signals.whole.duration_s)
    seen_ms = seen * 1000 if target.unit == "s" else seen
    return math.isinf(seen_ms) or seen_ms - forgiven_ms > target.bound_ms


def _rate_missed_by_target(target: SloTarget, outcomes: Outcomes, signals: Signals) -> bool:
    if math.isinf(signals.tightest_ms) and signals.service_of(target.operation).mean_ms > _SLOW_MS:
        return True
    duration_s = signals.whole.duration_s
    lost = 0
    if target.metric is Metric.VERIFIED:
        if outcomes.verified_in_span is None:
            return False
        lost = outcomes.accepted_in_span - outcomes.verified_in_span
    # All that was accepted, however late, and all that was never sent might have been accepted in time.
    possible = outcomes.accepted.count + outcomes.unsent - lost
    return duration_s > 0 and possible / duration_s < rate_bar(target, outcomes, signals.whole)
