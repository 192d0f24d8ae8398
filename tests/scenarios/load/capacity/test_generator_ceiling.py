"""The generator ceiling is a measured rate, and the result says if something else was the limit."""

import asyncio
from dataclasses import dataclass, field

import pytest

from createflow.scenarios.load.capacity.generator_ceiling import Ceiling, CeilingRun, Limit, find_ceiling


@dataclass
class Machine:
    """A generator whose CPU use is ``idle`` plus a share for each request, and a stub like it."""

    per_cpu_s: float = 50_000.0
    stub_per_cpu_s: float = 200_000.0
    idle: float = 0.05
    cores: float = 8.0
    workers: int = 1
    offered: list[float] = field(default_factory=list)

    async def __call__(self, rate_per_s: float) -> CeilingRun:
        """Four seconds of it."""
        self.offered.append(rate_per_s)
        most = min(
            (1 - self.idle) * self.per_cpu_s * self.workers,
            self.stub_per_cpu_s,
            (self.cores - self.idle * self.workers) / (1 / self.per_cpu_s + 1 / self.stub_per_cpu_s),
        )
        sent = min(rate_per_s, most)
        ratio = self.idle + sent / self.workers / self.per_cpu_s
        return CeilingRun(
            offered_per_s=rate_per_s,
            sent_per_s=sent,
            requests=int(4 * sent),
            cpu_s=4 * ratio * self.workers,
            busiest_ratio=ratio,
            stub_ratio=sent / self.stub_per_cpu_s,
            pacing_p99_ms=0.5 if sent == rate_per_s else 900.0,
        )

    def ceiling(self) -> Ceiling:
        """Find it."""
        return asyncio.run(find_ceiling(self, workers=self.workers))


@pytest.mark.parametrize("workers", [1, 3])
def test_a_worker_saturates_at_nine_tenths_of_a_core(workers: int) -> None:
    """Also if part of its CPU use does not depend on the rate; three runs find it."""
    machine = Machine(workers=workers)
    ceiling = machine.ceiling()
    assert ceiling.limit is Limit.GENERATOR
    assert ceiling.per_s == pytest.approx((0.9 - 0.05) * 50_000 * workers, rel=0.01)
    assert ceiling.per_cpu_s == pytest.approx(50_000 * 0.85 / 0.9, rel=0.01)
    assert len(machine.offered) == 3
    assert ceiling.summary.startswith(f"at most {ceiling.per_s:,.0f}/s with {workers} worker")


def test_no_run_is_far_above_the_ceiling() -> None:
    """Also on a slow machine."""
    machine = Machine(per_cpu_s=2500, idle=0.2)
    assert machine.ceiling().per_s == pytest.approx(0.7 * 2500, rel=0.05)
    assert max(machine.offered) <= 2500


def test_a_stub_that_is_the_limit_is_reported() -> None:
    """The generator can then send at least what the stub could receive."""
    ceiling = Machine(stub_per_cpu_s=25_000).ceiling()
    assert ceiling.limit is Limit.STUB
    assert 1000 <= ceiling.per_s <= 25_000
    assert "the stub was the limit" in ceiling.summary


def test_a_machine_without_a_core_for_each_is_reported() -> None:
    """With one core neither of them is fully busy."""
    ceiling = Machine(cores=1, stub_per_cpu_s=50_000).ceiling()
    assert ceiling.limit is Limit.MACHINE
    assert 1000 <= ceiling.per_s <= 25_000
    assert ceiling.summary.startswith("at least")


def test_noise_is_never_a_ceiling() -> None:
    """CPU time too small to measure predicts anything; only offered rates count."""
    machine = Machine(per_cpu_s=1e12, stub_per_cpu_s=1e12, idle=0.0)
    ceiling = machine.ceiling()
    assert max(machine.offered) <= 200_000
    assert ceiling.limit is Limit.MACHINE
