"""Evaluates targets on what was measured: over the whole run, or in every window of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from createflow.scenarios.load.verdict.windows import Outcomes, Window, merge_outcomes, merge_seconds
from createflow.schemas.load_report import RATE_RATIO, SloVerdict
from createflow.schemas.operation import Operation
from createflow.schemas.slo import Metric, SloTarget


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """One target in one window."""

    held: bool
    observed: float
    severity: float
    """How far from the bound, to find the worst of several windows: the target is missed beyond 1."""
    note: str = ""
    adjusted_bound: float | None = None
    """The bound that was applied instead of the target's."""


def evaluate_targets(targets: Sequence[SloTarget], whole: Window, seconds: Sequence[Window]) -> tuple[SloVerdict, ...]:
    """Evaluate targets over every arrival, in the given order.

    An arrival that failed, was refused or was not sent counts as infinitely slow, so fast failures never improve a
    latency. If no request was accepted, every target is missed.

    Args:
        targets: what must hold.
        whole: the measured window.
        seconds: its seconds in order, for targets with a window length.
    """
    return tuple(
        _worst_window(target, seconds) if target.window_s else _verdict(target, _evaluate(target, _settle(whole)))
        for target in targets
    )


def select_outcomes(target: SloTarget, window: Window) -> Outcomes:
    """The arrivals that a target is about. ``verified`` is about creates only."""
    operation = Operation.CREATE if target.metric is Metric.VERIFIED else target.operation
    if operation:
        return window.by_operation.get(operation, Outcomes())
    return merge_outcomes(window.by_operation.values())


def compute_observed(target: SloTarget, outcomes: Outcomes, duration_s: float) -> float:
    """The value to compare with the bound, in the target's unit. The worst possible if no request was accepted."""
    accepted = outcomes.accepted
    if target.metric is Metric.ERRORS:
        settled = outcomes.not_accepted + accepted.count
        return 100 * outcomes.not_accepted / settled if settled else 100.0
    if target.is_minimum:
        is_verified = target.metric is Metric.VERIFIED
        count = outcomes.verified_in_window if is_verified else outcomes.accepted_in_window
        return (count or 0) / duration_s if duration_s > 0 else 0.0
    if not accepted.count:
        return math.inf
    if target.metric is Metric.PERCENTILE:
        (observed_ms,) = accepted.percentiles_ms(target.percentile / 100, worse=outcomes.not_accepted)
    elif outcomes.not_accepted:
        observed_ms = math.inf
    elif target.metric is Metric.MEAN:
        observed_ms = accepted.mean_ms
    else:
        (observed_ms,) = accepted.percentiles_ms(1.0)
    return observed_ms / 1000 if target.unit == "s" else observed_ms


def compute_rate_bound(target: SloTarget, outcomes: Outcomes, window: Window) -> float:
    """The bound of a rate target, lowered to 99 % of the offered rate if that is less."""
    if window.is_closed:
        return target.bound
    offered_per_s = outcomes.scheduled / window.duration_s if window.duration_s > 0 else 0.0
    return min(target.bound, offered_per_s * RATE_RATIO)


def _evaluate(target: SloTarget, window: Window) -> _Evaluation:
    outcomes = select_outcomes(target, window)
    observed = compute_observed(target, outcomes, window.duration_s)
    if target.metric is Metric.VERIFIED and outcomes.verified_in_window is None:
        return _Evaluation(held=False, observed=0.0, severity=math.inf, note="not evaluated: the run was not verified")
    if not outcomes.accepted.count and not (target.is_minimum and outcomes.accepted_in_window):
        requests = f"{target.operation.value}s" if target.operation else "requests"
        note = "no request was accepted" if outcomes.scheduled else f"no {requests} were due"
        return _Evaluation(held=False, observed=observed, severity=math.inf, note=note)
    if target.is_minimum:
        return _evaluate_rate(target, observed, compute_rate_bound(target, outcomes, window))
    if window.is_closed and target.is_latency:
        note = "not evaluated: a closed model does not measure how long users wait"
        return _Evaluation(held=False, observed=observed, severity=math.inf, note=note)
    severity = observed / target.bound if target.bound else observed
    return _Evaluation(
        held=target.is_met_by(observed), observed=observed, severity=severity, note=_errors_note(outcomes)
    )


def _evaluate_rate(target: SloTarget, observed: float, bound: float) -> _Evaluation:
    severity = bound / observed if observed else math.inf
    if bound >= target.bound:
        return _Evaluation(held=target.is_met_by(observed), observed=observed, severity=severity)
    return _Evaluation(
        held=observed >= bound,
        observed=observed,
        severity=severity,
        note=f"the bound was lowered to {bound:.6g}/s, because only {bound / RATE_RATIO:.6g}/s were offered",
        adjusted_bound=bound,
    )


def _errors_note(outcomes: Outcomes) -> str:
    """Which errors did not come from the write path."""
    kinds = {"429": outcomes.rate_limited, "503": outcomes.unavailable, "unsent": outcomes.unsent}
    counts = ", ".join(f"{count} x {kind}" for kind, count in kinds.items() if count)
    return f"{outcomes.not_accepted} were not accepted, including {counts}" if counts else ""


def _verdict(target: SloTarget, evaluation: _Evaluation, at_s: float | None = None) -> SloVerdict:
    return SloVerdict.of(
        target,
        seen=evaluation.observed,
        held=evaluation.held,
        at_s=at_s,
        note=evaluation.note,
        adjusted_bound=evaluation.adjusted_bound,
    )


def _worst_window(target: SloTarget, seconds: Sequence[Window]) -> SloVerdict:
    evaluations = [
        (_evaluate(target, window), window)
        for window in merge_seconds(seconds, target.window_s or 1)
        if _has_arrivals(select_outcomes(target, window))
    ]
    if not evaluations:
        worst = 0.0 if target.is_minimum else math.inf
        return _verdict(target, _Evaluation(held=False, observed=worst, severity=worst, note="nothing was measured"))
    evaluation, window = max(evaluations, key=lambda pair: pair[0].severity)
    return _verdict(target, evaluation, window.start_s)


def _has_arrivals(outcomes: Outcomes) -> bool:
    return bool(outcomes.scheduled or outcomes.not_accepted or outcomes.accepted_in_window)


def _settle(whole: Window) -> Window:
    """Count every arrival that was due and not accepted as such, whatever else it was counted as."""
    return replace(
        whole,
        by_operation={
            operation: replace(
                outcomes, not_accepted=max(outcomes.not_accepted, outcomes.scheduled - outcomes.accepted.count)
            )
            for operation, outcomes in whole.by_operation.items()
        },
    )
