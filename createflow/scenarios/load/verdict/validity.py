"""Whether the numbers of a run describe the target, or only the generator.

Latency counts from the intended send time, and an arrival that was not sent counts as infinitely slow. So a slow
generator makes every number worse and none better: a target that is held is held. A missed target is the target's fault
if a perfect generator would have missed it too. Only otherwise the limits of the generator matter. Arrivals that no
sender was free for make the run invalid, whatever the target: it was not offered the load that the headline names.
"""

import math
from dataclasses import dataclass, replace

from createflow.scenarios.load.verdict.evidence import Evidence
from createflow.scenarios.load.verdict.generator_limits import (
    check_senders,
    explain_busy_senders,
    find_arrivals_not_sent,
    find_distortions,
    find_exceeded_limits,
    find_stalls,
)
from createflow.scenarios.load.verdict.slo_verdict import compute_observed, compute_rate_bound, select_outcomes
from createflow.scenarios.load.verdict.windows import Outcomes
from createflow.schemas.load_report import Validity
from createflow.schemas.slo import Metric, SloTarget

_MIN_SENT_RATIO = 0.99
_MAX_RATE_LIMITED_RATIO = 0.01
_SLOW_MS = 500.0
"""A mean service time above this is slow even without a latency target: senders are planned for it."""
_SAMPLES_BEYOND = 10
"""Samples that must lie above a percentile to make it stable: 1,000 samples for a p99."""


@dataclass(frozen=True, slots=True)
class ValidityVerdict:
    """How far the numbers of a run describe the target."""

    validity: Validity
    reasons: tuple[str, ...] = ()
    """Why the run is suspect or invalid, and what to do about it."""
    notes: tuple[str, ...] = ()
    """What else a reader of the numbers should know."""


def assess_validity(evidence: Evidence) -> ValidityVerdict:
    """The validity of a run."""
    notes = _notes(evidence)
    if unusable := _unusable(evidence):
        return ValidityVerdict(Validity.INVALID, unusable, notes)
    always = (*_small_samples(evidence), *_rate_limited(evidence))
    limits, distortions = find_exceeded_limits(evidence), find_distortions(evidence)
    if _all_held(evidence):
        return _verdict(always, (*_mild([*limits, *check_senders(evidence), *distortions]), *notes))
    if _is_missed_by_endpoint(evidence):
        return _verdict(always, (*explain_busy_senders(evidence), *_mild([*limits, *distortions]), *notes))
    limits += check_senders(evidence)
    if limits and (evidence.targets or _sent_too_little(evidence)):
        return ValidityVerdict(Validity.INVALID, tuple(limits), (*distortions, *always, *notes))
    return _verdict((*limits, *distortions, *always), (*find_stalls(evidence), *notes))


def count_required_samples(target: SloTarget) -> int:
    """The number of arrivals that makes the percentile of a target stable; 0 if the target is not a percentile."""
    if target.metric is not Metric.PERCENTILE:
        return 0
    return math.ceil(_SAMPLES_BEYOND / (1 - target.percentile / 100) - 1e-6)


def _unusable(evidence: Evidence) -> tuple[str, ...]:
    """Why there is nothing to evaluate."""
    if not evidence.total.scheduled:
        return ("nothing was measured",)
    if not_sent := find_arrivals_not_sent(evidence):
        return tuple(not_sent)
    if lost := [worker for worker in evidence.workers if worker.lost]:
        return tuple(f"the results are incomplete: load worker {worker.index + 1}: {worker.lost}" for worker in lost)
    if evidence.whole.is_closed and any(target.is_latency for target in evidence.targets):
        return (
            (
                "a closed model does not measure how long users wait: remove the latency targets, or use an open model "
                "with --rate"
            ),
        )
    return ()


def _verdict(reasons: tuple[str, ...], notes: tuple[str, ...]) -> ValidityVerdict:
    return ValidityVerdict(Validity.SUSPECT if reasons else Validity.VALID, reasons, notes)


def _all_held(evidence: Evidence) -> bool:
    return bool(evidence.slos) and all(verdict.held for verdict in evidence.slos)


def _is_missed_by_endpoint(evidence: Evidence) -> bool:
    pairs = zip(evidence.targets, evidence.slos, strict=True)
    return any(not verdict.held and _is_caused_by_endpoint(slo, evidence) for slo, verdict in pairs)


def _is_caused_by_endpoint(slo: SloTarget, evidence: Evidence) -> bool:
    """Whether a missed SLO target would have been missed with a perfect generator too.

    Evaluated over the whole run, even if the target has a window length.
    """
    outcomes = select_outcomes(slo, evidence.whole)
    not_accepted = outcomes.not_accepted - outcomes.unsent
    if slo.metric is Metric.ERRORS:
        sent = outcomes.scheduled - outcomes.unsent
        return sent > 0 and not slo.is_met_by(100 * not_accepted / sent)
    if slo.is_minimum:
        return _is_rate_caused_by_endpoint(slo, outcomes, evidence)
    if not (service := evidence.service_of(slo.operation)).count:
        return not_accepted > 0
    served = replace(outcomes, not_accepted=not_accepted, accepted=service)
    observed = compute_observed(slo, served, evidence.whole.duration_s)
    observed_ms = observed * 1000 if slo.unit == "s" else observed
    # The time of a reply is taken when its sender wakes up, which can be as late as the pacer was.
    return math.isinf(observed_ms) or observed_ms - evidence.pacing_p99_ms > slo.bound_ms


def _is_rate_caused_by_endpoint(slo: SloTarget, outcomes: Outcomes, evidence: Evidence) -> bool:
    if math.isinf(evidence.tightest_ms) and evidence.service_of(slo.operation).mean_ms > _SLOW_MS:
        return True
    duration_s = evidence.whole.duration_s
    not_verified = 0
    if slo.metric is Metric.VERIFIED:
        if outcomes.verified_in_window is None:
            return False
        not_verified = outcomes.accepted_in_window - outcomes.verified_in_window
    # A perfect generator could have had all that were accepted late, and all that were not sent, accepted in time.
    possible = outcomes.accepted.count + outcomes.unsent - not_verified
    return duration_s > 0 and possible / duration_s < compute_rate_bound(slo, outcomes, evidence.whole)


def _sent_too_little(evidence: Evidence) -> bool:
    return evidence.total.unsent > (1 - _MIN_SENT_RATIO) * evidence.total.scheduled


def _small_samples(evidence: Evidence) -> list[str]:
    """A message for each percentile with too few arrivals."""
    found = []
    for target in evidence.targets:
        count: float = select_outcomes(target, evidence.whole).scheduled
        where = ""
        if target.window_s and evidence.whole.duration_s > target.window_s:
            count *= target.window_s / evidence.whole.duration_s
            where = " in a window"
        if count < count_required_samples(target):
            found.append(
                f"{target} has {count:.0f} samples{where}, but needs {count_required_samples(target)} to be stable: "
                f"use a longer {'window' if where else '--duration'}"
            )
    return found


def _rate_limited(evidence: Evidence) -> list[str]:
    total = evidence.total
    if total.rate_limited <= _MAX_RATE_LIMITED_RATIO * total.scheduled:
        return []
    return [
        (
            f"{total.rate_limited} replies were 429, so the rate limiter was measured and not the write path: "
            "use more --users, or raise the limit"
        )
    ]


def _mild(messages: list[str]) -> list[str]:
    return [f"the target may be better than these numbers: {message}" for message in messages]


def _notes(evidence: Evidence) -> tuple[str, ...]:
    notes = []
    total, machine = evidence.total, evidence.machine
    if evidence.whole.is_closed:
        notes.append(
            "coordinated omission: each client waited for its reply before its next request, so a target that stalls "
            "received fewer requests. These latencies are lower than those of independent users"
        )
    if total.rate_limited and not _rate_limited(evidence):
        notes.append(f"{total.rate_limited} replies were 429: refused by the rate limiter")
    if machine.same_host:
        cores = f"{machine.cores} cores" if machine.cores else "CPU"
        notes.append(f"the target runs on this machine and shares its {cores} with the load generator")
    return tuple(notes)
