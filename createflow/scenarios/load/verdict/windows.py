"""What the targets are judged by: the measured window as a whole, and each of its seconds."""

from createflow.scenarios.load.accounting.ledger import Tallies
from createflow.scenarios.load.accounting.tally import Tally
from createflow.scenarios.load.fleet.run import Measured
from createflow.scenarios.load.verdict.window import Outcomes, Span
from createflow.schemas.operation import Operation


def whole(measured: Measured, *, verified: int | None) -> Span:
    """The measured window, by when requests were due.

    Args:
        measured: what the load came to.
        verified: creates of it that were proved present everywhere; ``None`` when that was not asked.
    """
    tallies = measured.books.measured
    return Span(
        start_s=measured.plan.warmup_s,
        duration_s=measured.window_s,
        by_operation={
            operation: _outcomes(
                tally,
                accepted=tally.accepted_in_window,
                verified=verified if operation is Operation.CREATE else None,
            )
            for operation, tally in _asked(measured, tallies).items()
        },
        closed=measured.plan.is_closed,
    )


def seconds(measured: Measured) -> tuple[Span, ...]:
    """The seconds of the measured window, by when replies came; what came after it belongs to its last."""
    first, end = round(measured.plan.warmup_s), round(measured.plan.warmup_s + measured.window_s)
    return tuple(
        Span(
            start_s=float(number),
            duration_s=1.0,
            by_operation={
                operation: _outcomes(tally, accepted=tally.accepted, verified=None)
                for operation, tally in _asked(measured, second.books.measured).items()
            },
            closed=measured.plan.is_closed,
        )
        for number, second in sorted(measured.series.seconds.items())
        if first <= number < end
    )


def _asked(measured: Measured, tallies: Tallies) -> Tallies:
    return {operation: tallies[operation] for operation in measured.plan.mix.shares()}


def _outcomes(tally: Tally, *, accepted: int, verified: int | None) -> Outcomes:
    refused = tally.completed - tally.accepted
    return Outcomes(
        scheduled=tally.scheduled,
        bad=refused + tally.failed + tally.not_sent + tally.dropped,
        unsent=tally.not_sent + tally.dropped,
        refused_by_limit=tally.statuses[429],
        unavailable=tally.statuses[503],
        accepted=tally.accepted_latencies(),
        accepted_in_span=accepted,
        verified_in_span=verified,
    )
