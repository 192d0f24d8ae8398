"""Whether there were enough arrivals for the percentiles that are asked for."""

import math

from createflow.scenarios.load.verdict.evidence import Signals
from createflow.scenarios.load.verdict.slo_verdict import concerned
from createflow.schemas.slo import Metric, SloTarget

_BEYOND = 10
"""Samples that must lie above a percentile for it to be steady: 1,000 samples for a p99."""


def needed_for(target: SloTarget) -> int:
    """The least arrivals that steady this target: 0 unless it is a percentile."""
    if target.metric is not Metric.PERCENTILE:
        return 0
    return math.ceil(_BEYOND / (1 - target.percentile / 100) - 1e-6)


def too_few(signals: Signals) -> list[str]:
    """A sentence for each target whose percentile rests on too few arrivals."""
    found = []
    for target in signals.targets:
        had: float = concerned(target, signals.whole).scheduled
        window = ""
        if target.window_s and signals.whole.duration_s > target.window_s:
            had *= target.window_s / signals.whole.duration_s
            window = " a window"
        if had < needed_for(target):
            found.append(
                f"{target} is judged by {had:.0f} samples{window}: {needed_for(target)} make it steady; "
                f"use a longer {'window' if window else '--duration'}"
            )
    return found
