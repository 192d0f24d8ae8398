"""All that a verdict about a run is drawn from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.verdict.window import Outcomes, Span, merged
from createflow.schemas.load_report import Machine, SloVerdict, WorkerHealth
from createflow.schemas.operation import Operation
from createflow.schemas.slo import SloTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """One run: what was asked of it, what became of it, and how the generator fared."""

    targets: Sequence[SloTarget]
    slos: Sequence[SloVerdict]
    """The verdict on each target, in their order."""
    whole: Span
    """The measured window."""
    service: Mapping[Operation, Histogram]
    """From the true send time to the last byte, of the replies."""
    pacing: Histogram
    """How late the generator itself woke up."""
    peak_offered_per_s: float
    """Arrivals due in the busiest second."""
    workers: Sequence[WorkerHealth]
    machine: Machine

    @property
    def total(self) -> Outcomes:
        """All operations together."""
        return merged(self.whole.by_operation.values())

    @property
    def pacing_p99_ms(self) -> float:
        """How late the generator woke up at its worst, but for one time in a hundred."""
        (p99_ms,) = self.pacing.percentiles_ms(0.99)
        return p99_ms

    @property
    def tightest_ms(self) -> float:
        """The least latency that is asked for; infinite when none is."""
        return min((target.bound_ms for target in self.targets if target.is_latency), default=math.inf)

    def service_of(self, operation: Operation | None) -> Histogram:
        """The service times of an operation, or of all."""
        total = Histogram()
        for each, histogram in self.service.items():
            if operation in {None, each}:
                total.add(histogram)
        return total
