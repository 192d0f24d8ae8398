"""A run beside an earlier one: worse only where it matters, and only where it is not chance."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from createflow.scenarios.load.verdict.bootstrap import Draw, draws, interval
from createflow.scenarios.load.verdict.comparable import differences, measured_seconds
from createflow.schemas.load_finding import Change, Compared, Comparison
from createflow.schemas.load_report import LoadReport

_SEED = 1
"""The same two reports compare the same every time."""


@dataclass(frozen=True, slots=True)
class _Floors:
    """A difference below either of them matters to nobody."""

    ratio: float
    absolute: float


_LATENCIES = {"p50": _Floors(0.10, 3.0), "p95": _Floors(0.15, 5.0), "p99": _Floors(0.20, 10.0)}
"""In the order of ``resampling.RATIOS``."""
_RATE = _Floors(0.03, 1.0)


def compare(baseline: LoadReport, now: LoadReport) -> Comparison:
    """The numbers of both runs and what each difference means; refused, with every reason, when they are not alike."""
    name = f"{baseline.run_id} of {baseline.started_at}"
    if refused := differences(baseline, now):
        return Comparison(baseline=name, refused=tuple(refused))
    dice = random.Random(_SEED)  # noqa: S311 - repeatable, and no secret
    drawn = (draws(measured_seconds(baseline), dice), draws(measured_seconds(now), dice))
    return Comparison(baseline=name, numbers=(*_latencies(baseline, now, drawn), *_rates(baseline, now, drawn)))


def regressed(comparison: Comparison) -> bool:
    """Something is worse. A comparison that was refused is neither: ask ``refused`` first."""
    return any(number.change is Change.WORSE for number in comparison.numbers)


def _latencies(
    baseline: LoadReport, now: LoadReport, drawn: tuple[Sequence[Draw], Sequence[Draw]]
) -> Iterator[Compared]:
    for position, (name, floors) in enumerate(_LATENCIES.items()):
        low, high = interval(*([draw.percentiles_ms[position] for draw in run] for run in drawn))
        before_ms, now_ms = (getattr(report.response, f"{name}_ms") for report in (baseline, now))
        change = _change(before_ms, now_ms, (low, high), floors)
        yield Compared(name=name, unit="ms", before=before_ms, now=now_ms, low=low, high=high, change=change)


def _rates(baseline: LoadReport, now: LoadReport, drawn: tuple[Sequence[Draw], Sequence[Draw]]) -> Iterator[Compared]:
    pairs = {"accepted": (baseline.accepted_per_s, now.accepted_per_s)}
    if baseline.verified_per_s is not None and now.verified_per_s is not None:
        pairs["verified"] = (baseline.verified_per_s, now.verified_per_s)
    for name, (before_per_s, now_per_s) in pairs.items():
        # Seconds say what was accepted; what was verified is the same share of each.
        shares = (_share(before_per_s, baseline), _share(now_per_s, now))
        low, high = interval(
            *([draw.accepted_per_s * share for draw in run] for run, share in zip(drawn, shares, strict=True))
        )
        # Less is worse.
        change = _change(now_per_s, before_per_s, (-high, -low), _RATE)
        yield Compared(name=name, unit="/s", before=before_per_s, now=now_per_s, low=low, high=high, change=change)


def _share(per_s: float, report: LoadReport) -> float:
    return per_s / report.accepted_per_s if report.accepted_per_s else 0.0


def _change(before: float, now: float, chance: tuple[float, float], floors: _Floors) -> Change:
    """What it means that a number grew, where growing is worse."""
    matters = abs(now - before) > max(floors.absolute, floors.ratio * min(before, now))
    if matters and now > before and chance[0] > 0:
        return Change.WORSE
    return Change.BETTER if matters and now < before and chance[1] < 0 else Change.SAME
