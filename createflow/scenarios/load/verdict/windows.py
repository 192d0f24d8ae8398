"""The arrivals of a time window with their outcomes: what targets are evaluated on.

There is one window for the whole measured time, by when requests were due, and one for each of its seconds, by when
replies came. Seconds can be merged to longer windows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.accounting.ledger import Counters, CountersByOperation
from createflow.scenarios.load.fleet.run import LoadResult
from createflow.schemas.operation import Operation

_MIN_WINDOW_RATIO = 0.5
"""A shorter last window is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """The outcomes of the arrivals of one operation, or of all.

    In the window of the whole run all counts are of the arrivals that were due in it, and ``scheduled`` is the sum of
    ``not_accepted`` and the accepted. In a second, ``scheduled`` counts the arrivals that were due in it, and the other
    counts are of those that ended in it.
    """

    scheduled: int = 0
    not_accepted: int = 0
    """Refused, failed, timed out, unfinished, dropped or given up. The next three counts are parts of it."""
    unsent: int = 0
    """Dropped or given up: arrivals that the generator did not send."""
    rate_limited: int = 0
    """Replies with status 429."""
    unavailable: int = 0
    """Replies with status 503."""
    accepted: Histogram = field(default_factory=Histogram)
    """Response latencies of the accepted, from the intended send time."""
    accepted_in_window: int = 0
    """2xx replies that arrived in the window; see ``InWindow`` for the window of the whole run."""
    verified_in_window: int | None = None
    """Of those, the number found in every declared sink. None: not verified."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time window of a run."""

    start_s: float
    """Seconds from the start of the run."""
    duration_s: float
    by_operation: Mapping[Operation, Outcomes]
    is_closed: bool = False
    """The load was a closed model, so the target itself set the offered rate."""


def merge_outcomes(parts: Iterable[Outcomes]) -> Outcomes:
    """The sum of several outcomes. It is verified only if each part is."""
    parts = list(parts)
    accepted = Histogram()
    for part in parts:
        accepted.add(part.accepted)
    verified = [part.verified_in_window for part in parts if part.verified_in_window is not None]
    return Outcomes(
        scheduled=sum(part.scheduled for part in parts),
        not_accepted=sum(part.not_accepted for part in parts),
        unsent=sum(part.unsent for part in parts),
        rate_limited=sum(part.rate_limited for part in parts),
        unavailable=sum(part.unavailable for part in parts),
        accepted=accepted,
        accepted_in_window=sum(part.accepted_in_window for part in parts),
        verified_in_window=sum(verified) if parts and len(verified) == len(parts) else None,
    )


def merge_seconds(seconds: Sequence[Window], window_s: int) -> Iterator[Window]:
    """Windows of this length. A last one shorter than half of it is left out, unless it is the only one."""
    for first in range(0, len(seconds), window_s):
        group = seconds[first : first + window_s]
        duration_s = sum(second.duration_s for second in group)
        if first and duration_s < window_s * _MIN_WINDOW_RATIO:
            continue
        operations = {operation for second in group for operation in second.by_operation}
        yield replace(
            group[0],
            duration_s=duration_s,
            by_operation={
                operation: merge_outcomes(
                    second.by_operation[operation] for second in group if operation in second.by_operation
                )
                for operation in operations
            },
        )


def make_window(result: LoadResult, *, verified: int | None) -> Window:
    """The measured window as a whole, by when requests were due.

    Args:
        result: of the load.
        verified: creates of the window found in every declared sink. None: not verified.
    """
    return Window(
        start_s=result.plan.warmup_s,
        duration_s=result.window_s,
        by_operation={
            operation: _outcomes(
                counters,
                accepted=counters.in_window.accepted,
                verified=verified if operation is Operation.CREATE else None,
            )
            for operation, counters in _of_mix(result, result.ledger.measured).items()
        },
        is_closed=result.plan.is_closed,
    )


def make_seconds(result: LoadResult) -> tuple[Window, ...]:
    """The seconds of the measured window, by when replies came. Replies after it count in its last second."""
    first, end = round(result.plan.warmup_s), round(result.plan.warmup_s + result.window_s)
    return tuple(
        Window(
            start_s=float(number),
            duration_s=1.0,
            by_operation={
                operation: _outcomes(counters, accepted=counters.accepted, verified=None)
                for operation, counters in _of_mix(result, second.ledger.measured).items()
            },
            is_closed=result.plan.is_closed,
        )
        for number, second in sorted(result.series.seconds.items())
        if first <= number < end
    )


def _of_mix(result: LoadResult, counters: CountersByOperation) -> CountersByOperation:
    return {operation: counters[operation] for operation in result.plan.mix.shares()}


def _outcomes(counters: Counters, *, accepted: int, verified: int | None) -> Outcomes:
    refused = counters.completed - counters.accepted
    return Outcomes(
        scheduled=counters.scheduled,
        not_accepted=refused + counters.failed + counters.not_sent + counters.dropped,
        unsent=counters.not_sent + counters.dropped,
        rate_limited=counters.statuses[429],
        unavailable=counters.statuses[503],
        accepted=counters.accepted_latencies(),
        accepted_in_window=accepted,
        verified_in_window=verified,
    )
