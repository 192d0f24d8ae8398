"""The highest rate with several numbers of instances; the search itself is tested elsewhere."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from createflow.scenarios.benchmark import scale as module
from createflow.scenarios.benchmark.run import Observer
from createflow.scenarios.benchmark.scale import ScaleOptions, benchmark_at_scale
from createflow.scenarios.load.fleet.run import StopSignals
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.load_finding import Bound, Knee
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile
from tests.scenarios.reports.load.made_load_report import load_report

SET = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write(sys.argv[2] + ' ')"


def profile_of(command: list[str]) -> Profile:
    """A profile that can set the number of its services."""
    target = {"base_url": "http://127.0.0.1:9", "path": "/x"}
    return Profile.model_validate({"target": target, "scale": {"services": {"command": command}}})


def run(
    profile: Profile,
    monkeypatch: pytest.MonkeyPatch,
    found: Mapping[int, Knee | BaseException],
    *,
    name: str = "services",
) -> LoadReport:
    """The report, where the search finds these in turn."""
    results = iter(found.values())

    async def search(*_: object, **__: object) -> LoadReport:
        knee = next(results)
        if isinstance(knee, BaseException):
            raise knee
        return load_report(knee=knee)

    monkeypatch.setattr(module, "benchmark_at_max", search)
    return asyncio.run(
        benchmark_at_scale(
            profile,
            LoadOptions(),
            ScaleOptions(name, tuple(found)),
            profile_source="a test",
            observer=Observer(),
            signals=StopSignals(asyncio.Event(), asyncio.Event()),
        )
    )


def highest(rate_per_s: float) -> Knee:
    """A rate that was found."""
    return Knee(bound=Bound.HIGHEST, rate_per_s=rate_per_s)


def test_each_number_is_set_and_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the command of the profile, in this order; the law goes through the rates."""
    file = tmp_path / "counts"
    profile = profile_of([sys.executable, "-c", SET, str(file), "n{count}"])
    report = run(profile, monkeypatch, {1: highest(100.0), 2: highest(200.0), 4: highest(400.0)})
    assert file.read_text() == "n1 n2 n4 "
    assert report.scale is not None
    assert [(point.count, point.rate_per_s) for point in report.scale.points] == [(1, 100.0), (2, 200.0), (4, 400.0)]
    assert report.scale.fit is not None
    assert report.scale.fit.contention == pytest.approx(0.0, abs=1e-9)
    assert all(point.p99_ms for point in report.scale.points)


def test_only_highest_rates_are_points_of_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the generator limited is no limit of the target."""
    limited = Knee(bound=Bound.AT_LEAST, rate_per_s=150.0, reason="generator-limited")
    none = Knee(bound=Bound.NONE, reason="even 50/s was not held")
    report = run(profile_of(["true", "{count}"]), monkeypatch, {1: highest(100.0), 2: limited, 4: none})
    assert report.scale is not None
    assert report.scale.fit is None
    assert [point.bound for point in report.scale.points] == [Bound.HIGHEST, Bound.AT_LEAST, Bound.NONE]
    assert report.scale.points[2].p99_ms == 0.0


def test_a_command_that_fails_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it said."""
    failing = profile_of([sys.executable, "-c", "import sys; sys.exit('no room for {count}')"])
    with pytest.raises(TargetError, match="no room for 1"):
        run(failing, monkeypatch, {1: highest(100.0)})


def test_a_profile_without_a_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With those that it has."""
    with pytest.raises(UserError, match=r"--scale gateways.*it has: services"):
        run(profile_of(["true", "{count}"]), monkeypatch, {1: highest(100.0)}, name="gateways")


def test_the_user_can_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rates until then are reported; before the first there is nothing to report."""
    profile = profile_of(["true", "{count}"])
    report = run(profile, monkeypatch, {1: highest(100.0), 2: asyncio.CancelledError(), 4: highest(1.0)})
    assert report.interrupted
    assert report.scale is not None
    assert [point.count for point in report.scale.points] == [1]
    with pytest.raises(asyncio.CancelledError):
        run(profile, monkeypatch, {1: asyncio.CancelledError()})


def test_a_command_needs_a_place_for_the_number() -> None:
    """Else each number would be the same."""
    with pytest.raises(ValueError, match=r"\{count\}"):
        profile_of(["restart-services"])
