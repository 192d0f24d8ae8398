"""The evidence from which the validity of a run is decided."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.verdict.windows import Outcomes, Window, merge_outcomes
from createflow.schemas.load_report import Machine, SloVerdict, WorkerHealth
from createflow.schemas.operation import Operation
from createflow.schemas.slo import SloTarget


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
