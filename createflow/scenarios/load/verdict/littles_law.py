"""Why all senders were busy, by Little's law: a rate of requests that each take so long keeps so many in flight."""

import math

from createflow.scenarios.load.verdict.evidence import Signals

_BUSY_SHARE = 0.8
"""Of the senders, busy on average: above it, arrivals that come unevenly find none free."""
_ROOM = 2
"""Senders to have for each that is busy on average."""


def too_few_senders(signals: Signals) -> str:
    """That there were too few for a target that answers in time, and how many to use. Else nothing."""
    if not (_exhausted(signals) and _below_need(signals)):
        return ""
    return f"{_told(signals)}: use --senders {math.ceil(_needed(signals) * _ROOM)}"


def kept_by_target(signals: Signals) -> str:
    """That senders ran out by the target's doing, once it is known to be too slow. Else nothing."""
    if not _exhausted(signals):
        return ""
    return f"{_told(signals)}: the target held them" if _below_need(signals) else stalled(signals)


def stalled(signals: Signals) -> str:
    """That senders ran out although there were enough on average: the target held them all at once. Else nothing."""
    if not _exhausted(signals) or _below_need(signals):
        return ""
    return (
        f"all {_senders(signals)} senders were busy at once, though {max(1, math.ceil(_needed(signals)))} are enough "
        "on average (Little's law): the target stalled, or answered in bursts"
    )


def _told(signals: Signals) -> str:
    return (
        f"all {_senders(signals)} senders were busy: {signals.peak_offered_per_s:.4g}/s of {_mean_ms(signals):.3g} ms "
        f"each keep {math.ceil(_needed(signals))} busy on average (Little's law)"
    )


def _exhausted(signals: Signals) -> bool:
    """Some worker had a moment without a free sender; clients that take turns are always busy."""
    return not signals.whole.closed and any(0 < worker.senders <= worker.peak_in_flight for worker in signals.workers)


def _below_need(signals: Signals) -> bool:
    return _needed(signals) > _BUSY_SHARE * _senders(signals)


def _needed(signals: Signals) -> float:
    return signals.peak_offered_per_s * _mean_ms(signals) / 1000


def _mean_ms(signals: Signals) -> float:
    return signals.service_of(None).mean_ms


def _senders(signals: Signals) -> int:
    return sum(worker.senders for worker in signals.workers)
