"""What the generator can send at most on this machine: worked out from three short runs against ``ceiling_stub``."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

BUSY_RATIO = 0.9
"""Of a core: a worker beyond it is late, and its numbers are its own."""
_FIRST_PER_S = 1000.0
"""For each worker: any machine sends that."""
_STEP_RATIO = 0.7
"""The second run, of what the first one promises."""
_MOST_PER_S = 200_000.0
"""For each worker: no prediction from noise may ask for more."""
_MIN_SENT_RATIO = 0.99
_MAX_LATE_MS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingRun:
    """What one run against the stub showed."""

    offered_per_s: float
    sent_per_s: float
    requests: int
    cpu_s: float
    """Of all workers."""
    busiest_ratio: float
    """Of a core, the busiest worker."""
    stub_ratio: float
    """Of a core, the stub."""
    pacing_p99_ms: float

    @property
    def kept_up(self) -> bool:
        """Everything was sent in time."""
        return self.sent_per_s >= _MIN_SENT_RATIO * self.offered_per_s and self.pacing_p99_ms <= _MAX_LATE_MS


class OfferToStub(Protocol):
    """Loads the stub for a few seconds with all workers."""

    async def __call__(self, rate_per_s: float) -> CeilingRun:
        """One run."""


class Limit(StrEnum):
    """What was used up first."""

    GENERATOR = "generator"
    STUB = "stub"
    """The generator can do more than the stub could take."""
    MACHINE = "machine"
    """Neither: together they had no core each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """What the generator can send here."""

    per_cpu_s: float
    """Requests for each second of CPU."""
    per_s: float
    """With all workers; the least it can do unless the generator was the limit."""
    workers: int
    limit: Limit
    runs: tuple[CeilingRun, ...]

    @property
    def told(self) -> str:
        """One line, for people."""
        plural = "s" if self.workers > 1 else ""
        most = f"{self.per_s:,.0f}/s with {self.workers} worker{plural}"
        cost = f"{self.per_cpu_s:,.0f} requests a CPU-second"
        if self.limit is Limit.STUB:
            return f"at least {most}, {cost}: the stub was the limit, not the generator"
        if self.limit is Limit.MACHINE:
            return f"at least {most}, {cost}: generator and stub had no core each"
        return f"at most {most}, {cost}"


async def find_ceiling(offer: OfferToStub, *, workers: int) -> Ceiling:
    """Measure low, then higher, then where a worker should be busy; believe only what was seen.

    Args:
        offer: one run.
        workers: load processes that share the rate.
    """
    low = await offer(_FIRST_PER_S * workers)
    most_per_s = _MOST_PER_S * workers
    promised_per_s = low.sent_per_s * BUSY_RATIO / max(low.busiest_ratio, 1e-3)
    high = await offer(min(most_per_s, max(2 * low.offered_per_s, promised_per_s * _STEP_RATIO)))
    top = await offer(min(most_per_s, _busy_at(low, high)))
    runs = (low, high, top)
    kept_up = [run.sent_per_s for run in runs if run.kept_up]
    if top.busiest_ratio >= BUSY_RATIO:
        limit, per_s = Limit.GENERATOR, top.sent_per_s * BUSY_RATIO / top.busiest_ratio
    elif top.kept_up and top.stub_ratio < BUSY_RATIO and top.offered_per_s < most_per_s:
        limit, per_s = Limit.GENERATOR, top.sent_per_s
    else:
        limit = Limit.STUB if top.stub_ratio >= BUSY_RATIO else Limit.MACHINE
        per_s = max(kept_up, default=0.0)
    largest = max(runs, key=lambda run: run.requests)
    per_cpu_s = largest.requests / largest.cpu_s if largest.cpu_s else 0.0
    return Ceiling(per_cpu_s=per_cpu_s, per_s=per_s, workers=workers, limit=limit, runs=runs)


def _busy_at(low: CeilingRun, high: CeilingRun) -> float:
    """The rate at which a worker is busy, on the straight line through two runs.

    Each has a share that does not grow with the rate, so that a single run would promise too little.
    """
    slope = (high.busiest_ratio - low.busiest_ratio) / max(1.0, high.sent_per_s - low.sent_per_s)
    if slope <= 0:
        return 2 * high.offered_per_s
    return max(high.offered_per_s, high.sent_per_s + (BUSY_RATIO - high.busiest_ratio) / slope)
