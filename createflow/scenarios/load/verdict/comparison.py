"""Compares a run with an earlier one: worse only if the difference is large enough to matter, and not by chance.

Two runs are compared only if the same load came from the same kind of machine and both were measured well.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from createflow.scenarios.load.verdict.bootstrap import Resample, confidence_interval, resample
from createflow.schemas.load_finding import Change, Compared, Comparison
from createflow.schemas.load_report import LoadReport, Machine, Moment, Validity

_SEED = 1
"""Fixed, so that the same two reports always compare the same."""
_MIN_SECONDS = 10
"""Of each run: fewer do not show how much is chance."""


@dataclass(frozen=True, slots=True)
class _Threshold:
    """A smaller difference does not matter."""

    ratio: float
    absolute: float


_LATENCIES = {"p50": _Threshold(0.10, 3.0), "p95": _Threshold(0.15, 5.0), "p99": _Threshold(0.20, 10.0)}
"""In the order of ``bootstrap.RATIOS``."""
_RATE = _Threshold(0.03, 1.0)


def compare(baseline: LoadReport, now: LoadReport) -> Comparison:
    """The numbers of both runs with the meaning of each difference, or every reason why they cannot be compared."""
    name = f"{baseline.run_id} of {baseline.started_at}"
    if refused := _incompatibilities(baseline, now):
        return Comparison(baseline=name, refused=tuple(refused))
    rng = random.Random(_SEED)  # noqa: S311 - repeatable, and no secret
    resamples = (resample(_measured_seconds(baseline), rng), resample(_measured_seconds(now), rng))
    return Comparison(baseline=name, numbers=(*_latencies(baseline, now, resamples), *_rates(baseline, now, resamples)))


def _incompatibilities(baseline: LoadReport, now: LoadReport) -> list[str]:
    found = [*_machine_differences(baseline.machine, now.machine)]
    if baseline.shape != now.shape:
        found.append(f"another load: {baseline.shape!r} then, {now.shape!r} now")
    elif not baseline.config_hash or baseline.config_hash != now.config_hash:
        found.append("another configuration: rate, mix, users, senders or body differ (config_hash)")
    for name, report in (("the baseline", baseline), ("this run", now)):
        if report.validity is Validity.INVALID:
            found.append(f"{name} is invalid: {'; '.join(report.reasons) or 'no reason given'}")
        if report.interrupted:
            found.append(f"{name} was interrupted")
        if (seconds := len(_measured_seconds(report))) < _MIN_SECONDS:
            found.append(f"{name} has {seconds} measured seconds, but a comparison needs {_MIN_SECONDS}")
    return found


def _measured_seconds(report: LoadReport) -> list[Moment]:
    """The whole seconds of the measured window."""
    end_s = report.warmup_s + report.duration_s
    return [moment for moment in report.series if report.warmup_s <= moment.t_s and moment.t_s + 1 <= end_s]


def _machine_differences(before: Machine, now: Machine) -> Iterator[str]:
    if not before.cpu or not now.cpu:
        yield "perhaps another machine: a report does not name its CPU"
    elif before.cpu != now.cpu:
        yield f"another machine: {before.cpu!r} then, {now.cpu!r} now"
    if before.cores != now.cores:
        yield f"{before.cores} cores then, {now.cores} now"
    if _minor_version(before.python) != _minor_version(now.python):
        yield f"Python {before.python} then, {now.python} now"
    if before.same_host != now.same_host:
        places = {True: "on the machine of the load", False: "on another machine"}
        yield f"the target ran {places[before.same_host]} then, and runs {places[now.same_host]} now"


def _minor_version(version: str) -> list[str]:
    return version.split(".")[:2]


def _latencies(
    baseline: LoadReport, now: LoadReport, resamples: tuple[Sequence[Resample], Sequence[Resample]]
) -> Iterator[Compared]:
    for position, (name, threshold) in enumerate(_LATENCIES.items()):
        low, high = confidence_interval(*([one.percentiles_ms[position] for one in run] for run in resamples))
        before_ms, now_ms = (getattr(report.response, f"{name}_ms") for report in (baseline, now))
        change = _change(before_ms, now_ms, (low, high), threshold)
        yield Compared(name=name, unit="ms", before=before_ms, now=now_ms, low=low, high=high, change=change)


def _rates(
    baseline: LoadReport, now: LoadReport, resamples: tuple[Sequence[Resample], Sequence[Resample]]
) -> Iterator[Compared]:
    pairs = {"accepted": (baseline.accepted_per_s, now.accepted_per_s)}
    if baseline.verified_per_s is not None and now.verified_per_s is not None:
        pairs["verified"] = (baseline.verified_per_s, now.verified_per_s)
    for name, (before_per_s, now_per_s) in pairs.items():
        # The seconds hold the accepted requests; the verified ones are the same share of each second.
        shares = (_share(before_per_s, baseline), _share(now_per_s, now))
        low, high = confidence_interval(
            *([one.accepted_per_s * share for one in run] for run, share in zip(resamples, shares, strict=True))
        )
        # A lower rate is worse.
        change = _change(now_per_s, before_per_s, (-high, -low), _RATE)
        yield Compared(name=name, unit="/s", before=before_per_s, now=now_per_s, low=low, high=high, change=change)


def _share(per_s: float, report: LoadReport) -> float:
    return per_s / report.accepted_per_s if report.accepted_per_s else 0.0


def _change(before: float, now: float, interval: tuple[float, float], threshold: _Threshold) -> Change:
    """The meaning of a difference of a number for which a higher value is worse."""
    matters = abs(now - before) > max(threshold.absolute, threshold.ratio * min(before, now))
    if matters and now > before and interval[0] > 0:
        return Change.WORSE
    return Change.BETTER if matters and now < before and interval[1] < 0 else Change.SAME
