"""When requests are due: the shape of a load, and pure arithmetic from it to due times, without a clock.

A schedule is a sequence of stages; in each the rate changes linearly. The integral N(t) of the rate is the number of
arrivals until t. Arrival k is due at the inverse of N at k, which has a closed form. Random arrivals are a unit Poisson
process mapped through the same inverse, which makes them a Poisson process with that changing rate. Every load worker
computes its own share.
"""

import math
import random
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from createflow.schemas.error import UserError
from createflow.schemas.operation import Operation

_CLOSED = re.compile(r"closed:(\d{1,6})")
_DEFAULT_STEPS = 5
_DEFAULT_SPIKE_FACTOR = 5.0
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_STAGE = re.compile(r"(\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?/(\d+(?:\.\d+)?)(ms|s|m|h)")
_HINT = (
    "use constant, ramp, steps:5, spike:5, soak, closed:50, "
    "or stages as RATE/DURATION and FROM..TO/DURATION: 0..1000/1m,1000/5m,0/10s"
)
MAX_STAGES = 1000


class Arrival(NamedTuple):
    """One request of the schedule."""

    k: int
    """Its number in the whole schedule, from 0; unique in a run."""
    due_s: float
    """Intended send time, in seconds from the start of the run."""
    operation: Operation = Operation.CREATE


class Stage(NamedTuple):
    """Part of a schedule in which the rate changes linearly."""

    duration_s: float
    from_per_s: float
    to_per_s: float

    @property
    def arrivals(self) -> float:
        """Number of arrivals, not rounded."""
        return self.duration_s * (self.from_per_s + self.to_per_s) / 2

    def arrivals_before(self, t_s: float) -> float:
        """Number of arrivals in the first ``t_s`` seconds of the stage, not rounded."""
        slope = (self.to_per_s - self.from_per_s) / self.duration_s
        return self.from_per_s * t_s + slope * t_s * t_s / 2

    def due_s(self, n: float) -> float:
        """When arrival ``n`` of the stage is due, in seconds from its start: the inverse of ``arrivals_before``."""
        if n <= 0:
            return 0.0
        slope = (self.to_per_s - self.from_per_s) / self.duration_s
        if not slope:
            return n / self.from_per_s
        # Not (-b + sqrt(...)) / a, which loses all digits when the slope is small.
        return 2 * n / (self.from_per_s + math.sqrt(max(0.0, self.from_per_s**2 + 2 * slope * n)))


@dataclass(frozen=True)
class Schedule:
    """The arrivals of a whole run.

    Args:
        stages: one after the other, each longer than zero.
        poisson: arrivals are random, at the stages' rate on average.
        seed: of random arrivals; the same seed gives the same arrivals.
    """

    stages: tuple[Stage, ...]
    poisson: bool = False
    seed: int = 0

    @cached_property
    def duration_s(self) -> float:
        """The length of all stages."""
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

    def arrival_count(self, start_s: float, end_s: float) -> float:
        """The expected number of arrivals between two times, not rounded."""
        return self._arrivals_before(end_s) - self._arrivals_before(start_s)

    def share(self, index: int, node_count: int) -> Iterator[Arrival]:
        """The arrivals of one load worker, in order.

        Evenly spaced arrivals are dealt out in turn: the shares of all workers together are exactly the schedule, so
        the number of workers never changes the load. Random arrivals of each worker are a Poisson process of their own
        at its part of the rate; together they are one with the whole rate.
        """
        for number, due_s in enumerate(self._due_times_s(self._positions(index, node_count))):
            yield Arrival(index + number * node_count, due_s)

    def _positions(self, index: int, node_count: int) -> Iterator[float]:
        """The positions of a worker's arrivals on the axis of N."""
        if not self.poisson:
            n = float(index)
            while True:
                yield n
                n += node_count
        draw = random.Random(f"{self.seed}/{index}/{node_count}").expovariate  # noqa: S311 - a simulation, no secret
        position = draw(1 / node_count)
        while True:
            yield position
            position += draw(1 / node_count)

    def _due_times_s(self, positions: Iterable[float]) -> Iterator[float]:
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

    def _arrivals_before(self, t_s: float) -> float:
        t_s = min(max(t_s, 0.0), self.duration_s)
        number = min(bisect_right(self._starts_s, t_s), len(self.stages)) - 1
        return self._starts_n[number] + self.stages[number].arrivals_before(t_s - self._starts_s[number])


def parse_shape(shape: str, *, rate_per_s: float, duration_s: float) -> tuple[Stage, ...]:
    """The stages of a shape.

    Args:
        shape: ``constant``; ``ramp``, from a tenth of the rate up to it; ``steps:N``, N equal steps up to it;
            ``spike:F``, the rate, F times the rate for a fifth of the time, and the rate again; ``soak``, constant;
            ``closed:N``, which schedules nothing (see ``dispatch.ClosedLoop``); or stages ``FROM..TO/DURATION`` and
            ``RATE/DURATION``, separated by commas.
        rate_per_s: the highest rate of a named shape, or the base rate of a spike.
        duration_s: the length of a named shape.

    Raises:
        UserError: the shape is not valid.
    """
    if parse_client_count(shape):
        return (Stage(duration_s, 0.0, 0.0),)
    name, colon, argument = shape.partition(":")
    if name in _SHAPES and (not colon or name in {"steps", "spike"}):
        if colon and not re.fullmatch(r"\d{1,3}(\.\d+)?", argument):
            raise UserError(f"--shape {shape}: {argument!r} is not a number", hint=_HINT)
        return _SHAPES[name](rate_per_s, duration_s, float(argument or 0))
    matches = [_STAGE.fullmatch(part.strip()) for part in shape.split(",")]
    if len(matches) > MAX_STAGES:
        raise UserError(f"--shape: {len(matches)} stages; the maximum is {MAX_STAGES}")
    stages = tuple(
        Stage(float(match[3]) * _UNITS_S[match[4]], float(match[1]), float(match[2] or match[1]))
        for match in matches
        if match
    )
    if len(stages) < len(matches) or not all(stage.duration_s for stage in stages):
        raise UserError(f"--shape {shape}: not a valid shape", hint=_HINT)
    if not sum(stage.arrivals for stage in stages):
        raise UserError(f"--shape {shape}: the rate is always zero", hint=_HINT)
    return stages


def parse_client_count(shape: str) -> int:
    """The number of clients of a closed model, ``closed:N``; 0 for every shape with a schedule."""
    match = _CLOSED.fullmatch(shape)
    return int(match[1]) if match else 0


def is_custom_shape(shape: str) -> bool:
    """The shape gives its own rates and durations."""
    return "/" in shape


def add_warmup(stages: tuple[Stage, ...], warmup_s: float) -> tuple[Stage, ...]:
    """Put a warm-up before the stages: at their first rate, but at least at a tenth of their highest."""
    if not warmup_s:
        return stages
    peak_per_s = max(max(stage.from_per_s, stage.to_per_s) for stage in stages)
    rate_per_s = max(stages[0].from_per_s, peak_per_s / 10)
    return (Stage(warmup_s, rate_per_s, rate_per_s), *stages)


def _constant(rate_per_s: float, duration_s: float, _: float) -> tuple[Stage, ...]:
    return (Stage(duration_s, rate_per_s, rate_per_s),)


def _ramp(rate_per_s: float, duration_s: float, _: float) -> tuple[Stage, ...]:
    return (Stage(duration_s, rate_per_s / 10, rate_per_s),)


def _steps(rate_per_s: float, duration_s: float, steps: float) -> tuple[Stage, ...]:
    count = int(steps) or _DEFAULT_STEPS
    rates = [rate_per_s * (number + 1) / count for number in range(count)]
    return tuple(Stage(duration_s / count, rate, rate) for rate in rates)


def _spike(rate_per_s: float, duration_s: float, factor: float) -> tuple[Stage, ...]:
    high_per_s = rate_per_s * (factor or _DEFAULT_SPIKE_FACTOR)
    base_s, spike_s = duration_s * 0.4, duration_s * 0.2
    return (
        Stage(base_s, rate_per_s, rate_per_s),
        Stage(spike_s, high_per_s, high_per_s),
        Stage(base_s, rate_per_s, rate_per_s),
    )


_SHAPES: dict[str, Callable[[float, float, float], tuple[Stage, ...]]] = {
    "constant": _constant,
    "ramp": _ramp,
    "steps": _steps,
    "spike": _spike,
    "soak": _constant,
}
