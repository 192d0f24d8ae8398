"""How much of a difference between two runs is chance: the bootstrap over their seconds.

A run is drawn anew again and again from its own seconds, with some of them twice and some left out; how far the numbers
then scatter is how far they could have been elsewhere.
"""

import random
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from createflow.schemas.load_report import Moment

RATIOS = (0.5, 0.95, 0.99)
"""The percentiles that are drawn."""

_DRAWS = 500
_CONFIDENCE_RATIO = 0.99
"""Five numbers are compared, so that one comparison in twenty at most raises a false alarm."""
_MOST_BLOCKS = 20
"""Longer runs are drawn in blocks of several seconds: what one second suffers, the next one does too."""
_COARSE = tuple((0.02 + 0.04 * k, 0.04) for k in range(24))
_FINE = tuple((0.961 + 0.002 * k, 0.002) for k in range(20))
_LEVELS = (*_COARSE, *_FINE)
"""Where a distribution is read, and the share of its replies that each reading stands for."""

_Weighted = tuple[float, float]
"""A latency in milliseconds, and how many replies it stands for."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What one resampled run shows."""

    accepted_per_s: float
    percentiles_ms: tuple[float, ...]
    """Of ``RATIOS``."""


def draws(seconds: Sequence[Moment], dice: random.Random) -> list[Draw]:
    """The run, drawn anew from its seconds, of which there must be some."""
    length = -(-len(seconds) // _MOST_BLOCKS)
    blocks = [seconds[first : first + length] for first in range(0, len(seconds), length)]
    accepted = [sum(second.statuses.get("2xx", 0) for second in block) for block in blocks]
    points = sorted((ms, weight, number) for number, block in enumerate(blocks) for ms, weight in _points(block))
    found = []
    for _ in range(_DRAWS):
        times = [0] * len(blocks)
        for block in dice.choices(range(len(blocks)), k=len(blocks)):
            times[block] += 1
        drawn_s = sum(count * len(block) for count, block in zip(times, blocks, strict=True))
        total = sum(count * one for count, one in zip(times, accepted, strict=True))
        percentiles_ms = _quantiles([(ms, weight * times[number]) for ms, weight, number in points], RATIOS)
        found.append(Draw(total / drawn_s, tuple(percentiles_ms)))
    return found


def interval(before: Sequence[float], now: Sequence[float]) -> tuple[float, float]:
    """Between which the difference of a number lies with 99 % confidence, from what it was in the draws of both."""
    differences = sorted(b - a for a, b in zip(before, now, strict=True))
    outside = int(len(differences) * (1 - _CONFIDENCE_RATIO) / 2)
    return differences[outside], differences[-1 - outside]


def _points(block: Sequence[Moment]) -> list[_Weighted]:
    """The distribution of a block in as many readings as one of a second has."""
    pooled = sorted(point for second in block for point in _points_of_second(second))
    if len(block) == 1 or not pooled:
        return pooled
    total = sum(weight for _, weight in pooled)
    values = _quantiles(pooled, [level for level, _ in _LEVELS])
    return [(ms, share * total) for ms, (_, share) in zip(values, _LEVELS, strict=True)]


def _points_of_second(second: Moment) -> Iterable[_Weighted]:
    """Straight lines between the percentiles that are known."""
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
    """The latencies, of points in their order, that these shares of the replies do not exceed."""
    weights = list(accumulate(weight for _, weight in points))
    if not weights or not weights[-1]:
        return [0.0] * len(ratios)
    return [points[min(bisect_left(weights, ratio * weights[-1]), len(points) - 1)][0] for ratio in ratios]
