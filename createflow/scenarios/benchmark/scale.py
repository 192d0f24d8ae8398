"""The use case of ``createflow bench --scale``: the highest rate with several numbers of instances."""

import asyncio
from dataclasses import dataclass

from createflow.scenarios.benchmark.find_max import benchmark_at_max
from createflow.scenarios.benchmark.run import Observer
from createflow.scenarios.harness.ending import acknowledge_signal
from createflow.scenarios.harness.guardian.client import Guarding
from createflow.scenarios.harness.guardian.command import run_command
from createflow.scenarios.load.capacity.scalability import fit_law
from createflow.scenarios.load.fleet.run import StopSignals
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.verdict.findings import OF_THE_PROFILE
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.load_finding import Bound, Scale, ScalePoint
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile

COUNT = "{count}"
_COMMAND_TIMEOUT_S = 120.0
"""Instances have to start, or to finish what they do."""


@dataclass(frozen=True, slots=True)
class ScaleOptions:
    """What ``--scale`` asks for."""

    name: str
    """A key of ``[scale]``."""
    counts: tuple[int, ...]


async def benchmark_at_scale(
    profile: Profile,
    options: LoadOptions,
    scale: ScaleOptions,
    *,
    profile_source: str,
    observer: Observer,
    signals: StopSignals,
    slo_source: str = OF_THE_PROFILE,
    guarding: Guarding | None = None,
) -> LoadReport:
    """Find the highest rate with each number of instances, and report the last of these runs with all rates.

    A search that the user ends is reported with the rates until then. The number of instances stays the last one.

    Args:
        profile: the target; its ``[scale]`` has the command that sets the number.
        options: as for ``benchmark_at_max``.
        scale: what there are several of, and how many.
        profile_source: as for ``benchmark_at_max``, as are the other arguments.

    Raises:
        UserError: the profile has no such command.
        TargetError: the command failed.
        CancelledError: the user ended it before there was a load to report.
    """
    command = require_command(profile, scale)
    points: list[ScalePoint] = []
    report: LoadReport | None = None
    for count in scale.counts:
        observer.on_message(f"{scale.name}: {count}")
        try:
            await _set_count(scale.name, command, count)
            report = await benchmark_at_max(
                profile,
                options,
                profile_source=profile_source,
                observer=observer,
                signals=signals,
                slo_source=slo_source,
                guarding=guarding,
            )
        except asyncio.CancelledError:
            if report is None:
                raise
            acknowledge_signal()
            report = report.model_copy(update={"interrupted": True})
        else:
            points.append(_point(count, report))
        if report.interrupted or report.silent:
            break
    assert report is not None  # noqa: S101 - there is a count, and its search returns or raises
    fit = fit_law([(point.count, point.rate_per_s) for point in points if point.bound is Bound.HIGHEST])
    found = Scale(name=scale.name, points=tuple(points), fit=fit)
    return report.model_copy(update={"scale": found})


async def _set_count(name: str, command: tuple[str, ...], count: int) -> None:
    failure = await run_command([word.replace(COUNT, str(count)) for word in command], timeout_s=_COMMAND_TIMEOUT_S)
    if failure:
        raise TargetError(f"scale.{name}", failure, hint="the command ends when the number has taken effect")


def require_command(profile: Profile, scale: ScaleOptions) -> tuple[str, ...]:
    """The command that sets the number of instances.

    Raises:
        UserError: the profile has none.
    """
    commands = profile.scale.get(scale.name)
    if commands is None:
        known = ", ".join(profile.scale) or "none"
        raise UserError(
            f"--scale {scale.name}: the profile has no command for it in [scale] (it has: {known})",
            hint=f'[scale.{scale.name}]: command = ["my-script", "{scale.name}", "{COUNT}"]',
        )
    return commands.command


def _point(count: int, report: LoadReport) -> ScalePoint:
    knee = report.knee
    if knee is None:
        return ScalePoint(count=count, rate_per_s=0.0, bound=Bound.NONE, reason="nothing was measured")
    p99_ms = report.response.p99_ms if knee.bound is not Bound.NONE else 0.0
    return ScalePoint(count=count, rate_per_s=knee.rate_per_s, bound=knee.bound, reason=knee.reason, p99_ms=p99_ms)
