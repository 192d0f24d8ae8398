"""Holds targets against what was measured: over the whole run, or in every window of it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from createflow.scenarios.load.verdict.window import Outcomes, Span, merged
from createflow.schemas.load_report import SloVerdict
from createflow.schemas.operation import Operation
from createflow.schemas.slo import Metric, SloTarget

RATE_SHARE = 0.99
"""Of what was offered: a rate cannot be higher, and the last replies may arrive after the end."""
_LEAST_WINDOW_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class _Judged:
    """One target in one stretch."""

    held: bool
    seen: float
    badness: float
    """How far from good enough, to find the worst of several: beyond 1 it is missed."""
    note: str = ""
    adjusted_bound: float | None = None
    """The bound that was applied instead of the target's."""


def judge(targets: Sequence[SloTarget], whole: Span, seconds: Sequence[Span]) -> tuple[SloVerdict, ...]:
    """The targets, each judged over every arrival, in the order given.

    An arrival that failed, was refused or never left counts as slower than anything: fast failures never improve a
    latency. Where nothing was accepted, nothing is held.

    Args:
        targets: what must hold.
        whole: the measured window.
        seconds: its seconds in their order, for targets that every window must hold.
    """
    return tuple(
        _verdict_of_windows(target, seconds) if target.window_s else _verdict(target, _judged(target, _settled(whole)))
        for target in targets
    )


def concerned(target: SloTarget, span: Span) -> Outcomes:
    """The arrivals that a target is about: only creates are verified."""
    operation = Operation.CREATE if target.metric is Metric.VERIFIED else target.operation
    if operation:
        return span.by_operation.get(operation, Outcomes())
    return merged(span.by_operation.values())


def seen_by(target: SloTarget, outcomes: Outcomes, duration_s: float) -> float:
    """The value that the target bounds, in its unit; the worst there is where nothing was accepted."""
    accepted = outcomes.accepted
    if target.metric is Metric.ERRORS:
        settled = outcomes.bad + accepted.count
        return 100 * outcomes.bad / settled if settled else 100.0
    if target.is_minimum:
        verified = target.metric is Metric.VERIFIED
        count = outcomes.verified_in_span if verified else outcomes.accepted_in_span
        return (count or 0) / duration_s if duration_s > 0 else 0.0
    if not accepted.count:
        return math.inf
    if target.metric is Metric.PERCENTILE:
        (seen_ms,) = accepted.percentiles_ms(target.percentile / 100, worse=outcomes.bad)
    elif outcomes.bad:
        seen_ms = math.inf
    elif target.metric is Metric.MEAN:
        seen_ms = accepted.mean_ms
    else:
        (seen_ms,) = accepted.percentiles_ms(1.0)
    return seen_ms / 1000 if target.unit == "s" else seen_ms


def rate_bar(target: SloTarget, outcomes: Outcomes, span: Span) -> float:
    """The rate that must be seen: the bound, or nearly all that was offered where that is less."""
    if span.closed:
        return target.bound
    duration_s = span.duration_s
    offered_per_s = outcomes.scheduled / duration_s if duration_s > 0 else 0.0
    return min(target.bound, offered_per_s * RATE_SHARE)


def _judged(target: SloTarget, span: Span) -> _Judged:
    outcomes = concerned(target, span)
    seen = seen_by(target, outcomes, span.duration_s)
    if target.metric is Metric.VERIFIED and outcomes.verified_in_span is None:
        return _Judged(held=False, seen=0.0, badness=math.inf, note="not judged: the run was not verified")
    if not outcomes.accepted.count and not (target.is_minimum and outcomes.accepted_in_span):
        what = f"{target.operation.value}s" if target.operation else "requests"
        note = "nothing was accepted" if outcomes.scheduled else f"no {what} were due"
        return _Judged(held=False, seen=seen, badness=math.inf, note=note)
    if target.is_minimum:
        bound = rate_bar(target, outcomes, span)
        adjusted = bound if bound < target.bound else None
        note = "" if adjusted is None else _adjustment(adjusted)
        held = target.is_met_by(seen) if adjusted is None else seen >= adjusted
        badness = bound / seen if seen else math.inf
        return _Judged(held=held, seen=seen, badness=badness, note=note, adjusted_bound=adjusted)
    if span.closed and target.is_latency:
        return _Judged(held=False, seen=seen, badness=math.inf, note="not judged: the model is closed")
    badness = seen / target.bound if target.bound else seen
    return _Judged(held=target.is_met_by(seen), seen=seen, badness=badness, note=_told_apart(outcomes))


def _adjustment(bound_per_s: float) -> str:
    return f"lowered to {bound_per_s:.6g}/s, because only {bound_per_s / RATE_SHARE:.6g}/s were offered"


def _told_apart(outcomes: Outcomes) -> str:
    """The refusals that are not the write path's, among what counted as bad."""
    kinds = {"429": outcomes.refused_by_limit, "503": outcomes.unavailable, "unsent": outcomes.unsent}
    told = ", ".join(f"{count} x {kind}" for kind, count in kinds.items() if count)
    return f"{outcomes.bad} were not accepted, of them {told}" if told else ""


def _verdict(target: SloTarget, judged: _Judged, at_s: float | None = None) -> SloVerdict:
    return SloVerdict.of(
        target,
        seen=judged.seen,
        held=judged.held,
        at_s=at_s,
        note=judged.note,
        adjusted_bound=judged.adjusted_bound,
    )


def _verdict_of_windows(target: SloTarget, seconds: Sequence[Span]) -> SloVerdict:
    judged = [
        (_judged(target, window), window)
        for window in _windows(seconds, target.window_s or 1)
        if _anything(concerned(target, window))
    ]
    if not judged:
        worst = 0.0 if target.is_minimum else math.inf
        return _verdict(target, _Judged(held=False, seen=worst, badness=worst, note="nothing was measured"))
    verdict, window = max(judged, key=lambda pair: pair[0].badness)
    return _verdict(target, verdict, window.start_s)


def _anything(outcomes: Outcomes) -> bool:
    return bool(outcomes.scheduled or outcomes.bad or outcomes.accepted_in_span)


def _windows(seconds: Sequence[Span], every_s: int) -> Iterator[Span]:
    """The seconds in groups; a last one shorter than half a window says too little, unless it is the only one."""
    for first in range(0, len(seconds), every_s):
        group = seconds[first : first + every_s]
        duration_s = sum(second.duration_s for second in group)
        if first and duration_s < every_s * _LEAST_WINDOW_RATIO:
            continue
        operations = {operation for second in group for operation in second.by_operation}
        yield replace(
            group[0],
            duration_s=duration_s,
            by_operation={
                operation: merged(
                    second.by_operation[operation] for second in group if operation in second.by_operation
                )
                for operation in operations
            },
        )


def _settled(whole: Span) -> Span:
    """Whatever was due and not accepted was bad, whether or not it was counted as such."""
    return replace(
        whole,
        by_operation={
            operation: replace(outcomes, bad=max(outcomes.bad, outcomes.scheduled - outcomes.accepted.count))
            for operation, outcomes in whole.by_operation.items()
        },
    )
