"""The generator ceiling: the highest rate this machine can send, found with three short runs against a stub server."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

BUSY_RATIO = 0.9
"""CPU of one core. Above it a worker wakes up late and measures itself."""
_FIRST_PER_S = 1000.0
"""For each worker: every machine can send this."""
_STEP_RATIO = 0.7
"""Rate of the second run, as a share of what the first one predicts."""
_MAX_PER_S = 200_000.0
"""For each worker: no prediction from noisy numbers may be higher."""
_MIN_SENT_RATIO = 0.99
_MAX_LATE_MS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingRun:
    """The results of one run against the stub."""

    offered_per_s: float
    sent_per_s: float
    requests: int
    cpu_s: float
    """CPU time of all workers."""
    busiest_ratio: float
    """CPU of the busiest worker, as a share of one core."""
    stub_ratio: float
    """CPU of the stub, as a share of one core."""
    pacing_p99_ms: float

    @property
    def kept_up(self) -> bool:
        """The generator sent everything in time."""
        return self.sent_per_s >= _MIN_SENT_RATIO * self.offered_per_s and self.pacing_p99_ms <= _MAX_LATE_MS


class RunAgainstStub(Protocol):
    """Loads the stub with all workers for a few seconds."""

    async def __call__(self, rate_per_s: float) -> CeilingRun:
        """Do one run at this rate."""


class Limit(StrEnum):
    """What limited the rate."""

    GENERATOR = "generator"
    STUB = "stub"
    """The stub; the generator can send more."""
    MACHINE = "machine"
    """The machine: generator and stub did not have a core each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The highest rate that the generator can send on this machine."""

    per_cpu_s: float
    """Requests per second of CPU time."""
    per_s: float
    """With all workers; a lower bound unless the generator was the limit."""
    workers: int
    limit: Limit
    runs: tuple[CeilingRun, ...]

    @property
    def summary(self) -> str:
        """The result in one line."""
        plural = "s" if self.workers > 1 else ""
        most = f"{self.per_s:,.0f}/s with {self.workers} worker{plural}"
        cost = f"{self.per_cpu_s:,.0f} requests a CPU-second"
        if self.limit is Limit.STUB:
            return f"at least {most}, {cost}: the stub was the limit, not the generator"
        if self.limit is Limit.MACHINE:
            return f"at least {most}, {cost}: generator and stub did not have a core each"
        return f"at most {most}, {cost}"


async def find_ceiling(run: RunAgainstStub, *, workers: int) -> Ceiling:
    """Measure at a low rate, at a higher one, and where a worker should be busy. Only measured rates count.

    Args:
        run: does one run.
        workers: load processes that share the rate.
    """
    low = await run(_FIRST_PER_S * workers)
    max_per_s = _MAX_PER_S * workers
    predicted_per_s = low.sent_per_s * BUSY_RATIO / max(low.busiest_ratio, 1e-3)
    high = await run(min(max_per_s, max(2 * low.offered_per_s, predicted_per_s * _STEP_RATIO)))
    top = await run(min(max_per_s, _rate_when_busy(low, high)))
    runs = (low, high, top)
    kept_up = [run.sent_per_s for run in runs if run.kept_up]
    if top.busiest_ratio >= BUSY_RATIO:
        limit, per_s = Limit.GENERATOR, top.sent_per_s * BUSY_RATIO / top.busiest_ratio
    elif top.kept_up and top.stub_ratio < BUSY_RATIO and top.offered_per_s < max_per_s:
        limit, per_s = Limit.GENERATOR, top.sent_per_s
    else:
        limit = Limit.STUB if top.stub_ratio >= BUSY_RATIO else Limit.MACHINE
        per_s = max(kept_up, default=0.0)
    largest = max(runs, key=lambda run: run.requests)
    per_cpu_s = largest.requests / largest.cpu_s if largest.cpu_s else 0.0
    return Ceiling(per_cpu_s=per_cpu_s, per_s=per_s, workers=workers, limit=limit, runs=runs)


def _rate_when_busy(low: CeilingRun, high: CeilingRun) -> float:
    """The rate at which a worker is busy, extrapolated linearly from two runs.

    Part of the CPU use does not grow with the rate, so one run alone would predict too little.
    """
    slope = (high.busiest_ratio - low.busiest_ratio) / max(1.0, high.sent_per_s - low.sent_per_s)
    if slope <= 0:
        return 2 * high.offered_per_s
    return max(high.offered_per_s, high.sent_per_s + (BUSY_RATIO - high.busiest_ratio) / slope)
