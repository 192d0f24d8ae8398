"""The bootstrap: how much of a difference between two runs is chance.

A run is resampled many times from its own seconds, drawn with replacement. How far the numbers of the resamples scatter
is how far the numbers of the run could have been elsewhere by chance.
"""

import random
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from createflow.schemas.load_report import Moment

RATIOS = (0.5, 0.95, 0.99)
"""The percentiles that a resample has."""

_RESAMPLES = 500
_CONFIDENCE_RATIO = 0.99
"""Five numbers are compared, so at most one comparison in twenty raises a false alarm."""
_MAX_BLOCKS = 20
"""Longer runs are drawn in blocks of several seconds, because neighbouring seconds are not independent."""
_COARSE = tuple((0.02 + 0.04 * k, 0.04) for k in range(24))
_FINE = tuple((0.961 + 0.002 * k, 0.002) for k in range(20))
_LEVELS = (*_COARSE, *_FINE)
"""The quantiles at which a distribution is read, and the share of the replies that each stands for."""

_Weighted = tuple[float, float]
"""A latency in milliseconds, and the number of replies that it stands for."""


@dataclass(frozen=True, slots=True)
class Resample:
    """The numbers of one resampled run."""

    accepted_per_s: float
    percentiles_ms: tuple[float, ...]
    """Of ``RATIOS``."""


def resample(seconds: Sequence[Moment], rng: random.Random) -> list[Resample]:
    """Resample a run from its seconds. There must be at least one."""
    length = -(-len(seconds) // _MAX_BLOCKS)
    blocks = [seconds[first : first + length] for first in range(0, len(seconds), length)]
    accepted = [sum(second.statuses.get("2xx", 0) for second in block) for block in blocks]
    points = sorted((ms, weight, number) for number, block in enumerate(blocks) for ms, weight in _points(block))
    found = []
    for _ in range(_RESAMPLES):
        times = [0] * len(blocks)
        for block in rng.choices(range(len(blocks)), k=len(blocks)):
            times[block] += 1
        drawn_s = sum(count * len(block) for count, block in zip(times, blocks, strict=True))
        total = sum(count * one for count, one in zip(times, accepted, strict=True))
        percentiles_ms = _quantiles([(ms, weight * times[number]) for ms, weight, number in points], RATIOS)
        found.append(Resample(total / drawn_s, tuple(percentiles_ms)))
    return found


def confidence_interval(before: Sequence[float], now: Sequence[float]) -> tuple[float, float]:
    """The 99 % confidence interval of the difference of a number, from its values in the resamples of both runs."""
    differences = sorted(b - a for a, b in zip(before, now, strict=True))
    outside = int(len(differences) * (1 - _CONFIDENCE_RATIO) / 2)
    return differences[outside], differences[-1 - outside]


def _points(block: Sequence[Moment]) -> list[_Weighted]:
    """The distribution of a block, read at the same quantiles as that of a second."""
    pooled = sorted(point for second in block for point in _points_of_second(second))
    if len(block) == 1 or not pooled:
        return pooled
    total = sum(weight for _, weight in pooled)
    values = _quantiles(pooled, [level for level, _ in _LEVELS])
    return [(ms, share * total) for ms, (_, share) in zip(values, _LEVELS, strict=True)]


def _points_of_second(second: Moment) -> Iterable[_Weighted]:
    """The distribution of a second, interpolated linearly between the known percentiles."""
    replies = sum(second.statuses.values())
    if not replies:
        return
    known = [
        (0.0, second.p50_ms / 2),
        (0.5, second.p50_ms),
        (0.9, second.p90_ms),
        (0.95, second.p95_ms),
        (0.99, second.p99_ms),
        (1.0, second.max_ms),
    ]
    upper = 1
    for level, share in _LEVELS:
        while known[upper][0] < level:
            upper += 1
        (low, low_ms), (high, high_ms) = known[upper - 1], known[upper]
        yield low_ms + (high_ms - low_ms) * (level - low) / (high - low), share * replies


def _quantiles(points: Sequence[_Weighted], ratios: Sequence[float]) -> list[float]:
    """The quantiles of weighted points, which must be in ascending order."""
    weights = list(accumulate(weight for _, weight in points))
    if not weights or not weights[-1]:
        return [0.0] * len(ratios)
    return [points[min(bisect_left(weights, ratio * weights[-1]), len(points) - 1)][0] for ratio in ratios]
