"""When requests are due: pure arithmetic, no clock, so every node can work out its own share.

A schedule is a row of stages, in each of which the rate goes in a straight line. Their integral N(t) is the number of
arrivals until t; arrival k is due at N^-1(k), which has a closed form. Random arrivals are a unit Poisson process put
through the same N^-1, which makes them a Poisson process of that changing rate.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from createflow.schemas.operation import Operation


class Arrival(NamedTuple):
    """One request of the schedule."""

    k: int
    """Its number in the whole schedule, from 0; no two arrivals of a run share it."""
    due_s: float
    """Intended send time, seconds from the start of the run."""
    operation: Operation = Operation.CREATE


class Stage(NamedTuple):
    """Part of a schedule: the rate goes in a straight line from one value to another."""

    duration_s: float
    from_per_s: float
    to_per_s: float

    @property
    def arrivals(self) -> float:
        """How many it holds, not rounded."""
        return self.duration_s * (self.from_per_s + self.to_per_s) / 2

    def before(self, t_s: float) -> float:
        """Arrivals in the first ``t_s`` of it."""
        slope = (self.to_per_s - self.from_per_s) / self.duration_s
        return self.from_per_s * t_s + slope * t_s * t_s / 2

    def due_s(self, n: float) -> float:
        """When arrival ``n`` of it is due, seconds from its start; the inverse of ``before``."""
        if n <= 0:
            return 0.0
        slope = (self.to_per_s - self.from_per_s) / self.duration_s
        if not slope:
            return n / self.from_per_s
        # Not (-b + sqrt(...)) / a, which loses all digits when the slope is small.
        return 2 * n / (self.from_per_s + math.sqrt(max(0.0, self.from_per_s**2 + 2 * slope * n)))


@dataclass(frozen=True)
class Schedule:
    """A whole run's arrivals.

    Args:
        stages: one after the other, each longer than zero.
        poisson: arrivals are random, at the stages' rate on average.
        seed: of the random ones; the same seed, the same arrivals.
    """

    stages: tuple[Stage, ...]
    poisson: bool = False
    seed: int = 0

    @cached_property
    def duration_s(self) -> float:
        """Where it ends."""
        return self._starts_s[-1]

    @cached_property
    def _starts_s(self) -> list[float]:
        return [0.0, *accumulate(stage.duration_s for stage in self.stages)]

    @cached_property
    def _starts_n(self) -> list[float]:
        return [0.0, *accumulate(stage.arrivals for stage in self.stages)]

    @property
    def peak_per_s(self) -> float:
        """The highest rate."""
        return max(max(stage.from_per_s, stage.to_per_s) for stage in self.stages)

    def expected(self, start_s: float, end_s: float) -> float:
        """How many arrivals the rates mean between two moments, not rounded."""
        return self._before(end_s) - self._before(start_s)

    def share(self, index: int, of: int) -> Iterator[Arrival]:
        """The arrivals of node ``index`` in order.

        Evenly spaced arrivals are dealt out in turn: the shares of all nodes together are exactly the one schedule, so
        adding nodes never changes the load. Random arrivals of each node are a process of their own at its part of the
        rate; together they are one of the whole rate.
        """
        for number, due_s in enumerate(self._due(self._positions(index, of))):
            yield Arrival(index + number * of, due_s)

    def share_size(self, index: int, of: int, *, start_s: float = 0.0, end_s: float = math.inf) -> int:
        """How many arrivals of node ``index`` are due in ``[start_s, end_s)``: what a lost node still owes."""
        if self.poisson:
            return sum(start_s <= arrival.due_s < end_s for arrival in self.share(index, of))
        first, last = (self._count_before(min(t_s, self.duration_s)) for t_s in (start_s, end_s))
        return len(range(index, last, of)) - len(range(index, first, of))

    def _positions(self, index: int, of: int) -> Iterator[float]:
        """Where on the axis of N the arrivals of a node are."""
        if not self.poisson:
            n = float(index)
            while True:
                yield n
                n += of
        draw = random.Random(f"{self.seed}/{index}/{of}").expovariate  # noqa: S311 - a simulation, not a secret
        position = draw(1 / of)
        while True:
            yield position
            position += draw(1 / of)

    def _due(self, positions: Iterable[float]) -> Iterator[float]:
        number, end_n, duration_s = 0, self._starts_n[1], self.duration_s
        stage, start_s, start_n = self.stages[0], 0.0, 0.0
        for n in positions:
            while n >= end_n:
                number += 1
                if number == len(self.stages):
                    return
                stage, start_s, start_n = self.stages[number], self._starts_s[number], self._starts_n[number]
                end_n = self._starts_n[number + 1]
            due_s = start_s + stage.due_s(n - start_n)
            if due_s >= duration_s:
                return
            yield due_s

    def _before(self, t_s: float) -> float:
        t_s = min(max(t_s, 0.0), self.duration_s)
        number = min(bisect_right(self._starts_s, t_s), len(self.stages)) - 1
        return self._starts_n[number] + self.stages[number].before(t_s - self._starts_s[number])

    def _due_s(self, k: int) -> float:
        """When arrival ``k`` is due; the end of the schedule when it has none."""
        number = bisect_right(self._starts_n, float(k)) - 1
        if number >= len(self.stages):
            return self.duration_s
        return min(self.duration_s, self._starts_s[number] + self.stages[number].due_s(k - self._starts_n[number]))

    def _count_before(self, t_s: float) -> int:
        """Arrivals due strictly before ``t_s``, exact in spite of rounding."""
        count = max(0, math.ceil(self._before(t_s)))
        while count > 0 and self._due_s(count - 1) >= t_s:
            count -= 1
        while self._due_s(count) < t_s:
            count += 1
        return count


def constant(rate_per_s: float, duration_s: float) -> Schedule:
    """Evenly spaced arrivals: number k is due at k / rate."""
    return Schedule((Stage(duration_s, rate_per_s, rate_per_s),))
