"""The search for the highest rate of a target with a known capacity."""

import asyncio
from collections.abc import Callable

import pytest

from createflow.scenarios.benchmark import find_max as module
from createflow.scenarios.benchmark.find_max import benchmark_at_max
from createflow.scenarios.benchmark.run import Observer
from createflow.scenarios.load.capacity import max_rate
from createflow.scenarios.load.fleet.run import StopSignals
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.schemas.load_finding import Bound
from createflow.schemas.load_report import LoadReport
from tests.scenarios.load.conftest import Stub, start_stub

__all__ = ["start_stub"]


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a target of 300 ms, an overload of 10 % shows within three seconds."""
    monkeypatch.setattr(max_rate, "_CLIMB_S", 1.0)
    monkeypatch.setattr(max_rate, "_MIN_CONFIRMATION_S", 3.0)
    monkeypatch.setattr(max_rate, "_CONFIRMATION_FACTOR", 1)
    monkeypatch.setattr(max_rate, "_PRECISION_RATIO", 0.2)
    monkeypatch.setattr(module, "_COOL_DOWN_S", 0.0)


def _search(
    stub: Stub, tell: Callable[[str], None], signals: StopSignals | None = None, *targets: str, **asked: object
) -> LoadReport:
    async def search() -> LoadReport:
        options: dict[str, object] = {"rate_per_s": 60.0, "duration_s": 1.0, "warmup_s": 0.3} | asked
        return await benchmark_at_max(
            stub.profile(slo={"targets": targets}),
            LoadOptions(**options),  # type: ignore[arg-type] # options of one test each
            profile_source="a test",
            observer=Observer(on_message=tell),
            signals=signals or StopSignals(asyncio.Event(), asyncio.Event()),
        )

    return asyncio.run(search())


@pytest.mark.usefixtures("short_steps")
def test_a_capacity_is_found_and_a_run_at_it_is_reported(start_stub: Callable[[str], Stub]) -> None:
    """A capacity of 100/s: the result is near it, and every step is reported."""
    told: list[str] = []
    report = _search(start_stub("capacity:100"), told.append, None, "p95<=300ms")
    assert report.knee is not None
    assert report.knee.bound is Bound.HIGHEST
    assert 75 <= report.knee.rate_per_s <= 112
    assert report.rate_per_s == pytest.approx(report.knee.rate_per_s)
    assert {step.held for step in report.knee.steps} == {True, False}
    assert told[-1] == f"highest rate: {report.knee.answer}"
    assert report.knee.steps[-1].confirmation
    assert report.verification is not None, "the confirming run is the one that is verified and reported"


@pytest.mark.thorough
@pytest.mark.parametrize("mode", ["capacity:300", "limit:300"])
@pytest.mark.parametrize("targets", [(), ("p99<=250ms", "errors<0.1%")])
def test_a_sharp_limit_is_found_quickly(start_stub: Callable[[str], Stub], mode: str, targets: tuple[str, ...]) -> None:
    """Within 5 %, whether the target queues or refuses what is above its 300/s, and with few seconds of load."""
    report = _search(start_stub(mode), lambda _: None, None, *targets, rate_per_s=50.0, duration_s=15.0, warmup_s=2.0)
    knee = report.knee
    assert knee is not None
    assert knee.bound is Bound.HIGHEST
    assert 285 <= knee.rate_per_s <= 315
    assert sum(step.hold_s for step in knee.steps) <= 60
    assert len(knee.steps) <= 12


def test_the_user_can_end_a_search(start_stub: Callable[[str], Stub]) -> None:
    """Ctrl-C in a step: the report holds what was found until then."""

    async def search() -> LoadReport:
        signals = StopSignals(asyncio.Event(), asyncio.Event())
        return await benchmark_at_max(
            start_stub("fast").profile(),
            LoadOptions(rate_per_s=60.0, warmup_s=0.3),
            profile_source="a test",
            observer=Observer(on_progress=lambda _: signals.stop.set()),
            signals=signals,
        )

    report = asyncio.run(search())
    assert report.interrupted
    assert report.knee is not None
    assert report.knee.bound is Bound.NONE
    assert report.ledger.completed + report.warmup_ledger.completed > 0
