"""The generator ceiling of this machine, measured against a stub server."""

import asyncio

import pytest

from createflow.scenarios.benchmark import measure_ceiling as module
from createflow.scenarios.benchmark.measure_ceiling import measure_generator_ceiling


def test_the_ceiling_is_computed_from_three_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run offers more than the one before; cost and rate come from measured values."""
    monkeypatch.setattr(module, "_RUN_S", 1.0)
    told: list[str] = []
    ceiling = asyncio.run(measure_generator_ceiling(1, told.append))
    assert len(told) == len(ceiling.runs) == 3
    assert ceiling.runs[0].offered_per_s == pytest.approx(1000)
    assert ceiling.runs[0].offered_per_s < ceiling.runs[1].offered_per_s
    assert all(run.requests and run.cpu_s > 0 and run.stub_ratio > 0 for run in ceiling.runs)
    assert ceiling.per_cpu_s > 1000
