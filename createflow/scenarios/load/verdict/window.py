"""What became of the arrivals of a stretch of time: all that judging needs to know of a run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.schemas.operation import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """The arrivals of one kind.

    Over a whole run all counts are of the arrivals that were due in it, and ``scheduled`` is ``bad`` and the accepted
    together. Of a second, ``scheduled`` counts what was due, ``bad`` and ``accepted`` what ended in it.
    """

    scheduled: int = 0
    bad: int = 0
    """Refused, failed, timed out, unfinished, dropped or given up unsent; so the next three are parts of it."""
    unsent: int = 0
    """Dropped or given up unsent: what the generator did not send."""
    refused_by_limit: int = 0
    """429."""
    unavailable: int = 0
    """503."""
    accepted: Histogram = field(default_factory=Histogram)
    """Response latencies, from the intended send time, of the accepted."""
    accepted_in_span: int = 0
    """2xx replies that arrived in the stretch, whenever they were due."""
    verified_in_span: int | None = None
    """Of those, proved present in every declared sink. None: not verified."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a run, in seconds from its start."""

    start_s: float
    duration_s: float
    by_operation: Mapping[Operation, Outcomes]
    closed: bool = False
    """Clients asked when they had been answered: nothing was offered that the target did not make room for."""


def merged(several: Iterable[Outcomes]) -> Outcomes:
    """All of them as one; verified only when each of them is."""
    parts = list(several)
    accepted = Histogram()
    for part in parts:
        accepted.add(part.accepted)
    verified = [part.verified_in_span for part in parts if part.verified_in_span is not None]
    return Outcomes(
        scheduled=sum(part.scheduled for part in parts),
        bad=sum(part.bad for part in parts),
        unsent=sum(part.unsent for part in parts),
        refused_by_limit=sum(part.refused_by_limit for part in parts),
        unavailable=sum(part.unavailable for part in parts),
        accepted=accepted,
        accepted_in_span=sum(part.accepted_in_span for part in parts),
        verified_in_span=sum(verified) if parts and len(verified) == len(parts) else None,
    )
