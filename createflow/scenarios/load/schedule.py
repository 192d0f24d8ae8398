"""When requests are due: pure arithmetic, no clock, so every node can work out its own share."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Arrival(NamedTuple):
    """One request of the schedule."""

    k: int
    """Its number in the whole schedule, from 0."""
    due_s: float
    """Intended send time, seconds from the start of the run."""


class Schedule(Protocol):
    """A shape of load: the cumulative number of arrivals over time, and its inverse."""

    @property
    def duration_s(self) -> float:
        """Where it ends."""

    def arrivals_before(self, t_s: float) -> int:
        """How many arrivals are due strictly before ``t_s``, which is the number of the next one."""

    def due_s(self, k: int) -> float:
        """When arrival ``k`` is due."""


@dataclass(frozen=True, slots=True)
class ConstantRate:
    """Evenly spaced arrivals: number k is due at k / rate."""

    rate_per_s: float
    duration_s: float

    def arrivals_before(self, t_s: float) -> int:
        """Count of k with k / rate < t, exact in spite of rounding."""
        end_s = min(t_s, self.duration_s)
        count = max(0, math.ceil(end_s * self.rate_per_s))
        while count > 0 and self.due_s(count - 1) >= end_s:
            count -= 1
        while self.due_s(count) < end_s:
            count += 1
        return count

    def due_s(self, k: int) -> float:
        """Divided, not accumulated: an error of one step never moves the later ones."""
        return k / self.rate_per_s


def stripe(schedule: Schedule, index: int, of: int) -> Iterator[Arrival]:
    """The share of node ``index``: every arrival k with k = index (mod ``of``), in order.

    The shares of all nodes together are exactly the one schedule, so adding nodes never changes the load.
    """
    for k in range(index, schedule.arrivals_before(schedule.duration_s), of):
        yield Arrival(k, schedule.due_s(k))


def stripe_size(schedule: Schedule, index: int, of: int, *, start_s: float, end_s: float) -> int:
    """How many arrivals of node ``index`` are due in ``[start_s, end_s)``: what a lost node still owes."""
    return len(range(index, schedule.arrivals_before(end_s), of)) - len(
        range(index, schedule.arrivals_before(start_s), of)
    )
