"""Searches the highest rate at which all targets are held: doubling, then bisection, then a longer confirmation.

A rate that fails is measured again, and counts as failed if two of three measurements fail. A rate that the generator
cannot send, or that could not be measured, is not a limit of the target: the result is then a lower bound.
"""

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from createflow.schemas.clock import Clock, SystemClock
from createflow.schemas.load_finding import Bound, Knee, KneeStep

_PRECISION_RATIO = 0.05
"""The result is at most this share below the rate that failed."""
_MIN_HOLD_S = 10.0
"""In this time an overload of 1 % builds up a queue of 100 ms."""
_CONFIRMATION_FACTOR = 3
"""The confirmation takes this many times as long as a step."""
_FIRST_STEP_DOWN = 0.025
"""After a confirmation that failed; doubled each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The result of one measurement at a rate."""

    held: bool
    """Every target was held, and at least 99 % of the offered requests were accepted."""
    valid: bool = True
    generator_limited: bool = False
    """The generator could not send the rate."""
    accepted_per_s: float = 0.0
    p99_ms: float = 0.0


class Measure(Protocol):
    """Offers a rate for some time, after a short warm-up."""

    async def __call__(self, rate_per_s: float, hold_s: float) -> Measurement:
        """Measure once."""


async def _no_pause() -> None:
    return None


async def find_max(
    measure: Measure,
    *,
    lowest_per_s: float = 50.0,
    highest_per_s: float = 1_000_000.0,
    samples: int = 1000,
    max_steps: int = 60,
    max_s: float = 3600.0,
    cool_down: Callable[[], Awaitable[None]] = _no_pause,
    on_step: Callable[[KneeStep], None] = lambda _: None,
    clock: Clock | None = None,
) -> Knee:
    """Search the highest rate.

    Args:
        measure: does one measurement.
        lowest_per_s: first rate. If it fails, there is no result.
        highest_per_s: no higher rate is measured.
        samples: arrivals that a step must have, for the percentiles of the targets.
        max_steps: most measurements, including repeated ones.
        max_s: most time for all measurements.
        cool_down: awaited between measurements, until the target has finished its work.
        on_step: called after each measurement.
        clock: time source.
    """
    clock = clock or SystemClock()
    search = _Search(
        measure=measure,
        samples=samples,
        max_steps=max_steps,
        end_s=clock.monotonic() + max_s,
        cool_down=cool_down,
        on_step=on_step,
        clock=clock,
    )
    try:
        bound, rate_per_s, reason = await search.run(lowest_per_s, highest_per_s)
    except _BudgetExhausted as exhausted:
        rate_per_s = max(search.held_per_s, default=0.0)
        bound = Bound.AT_LEAST if rate_per_s else Bound.NONE
        reason = f"{exhausted}, not confirmed" if rate_per_s else f"{exhausted} before any rate was held"
    return Knee(bound=bound, rate_per_s=rate_per_s, reason=reason, steps=tuple(search.steps))


class _Result(Enum):
    """The result of the measurements at one rate. The value says why a higher rate is not the target's limit."""

    HELD = ""
    FAILED = "the target"
    LIMITED = "generator-limited"
    UNMEASURED = "higher rates could not be measured"


class _BudgetExhausted(Exception):  # noqa: N818 - not an error: the search ends here
    """The allowed steps or time are used up."""


_Found = tuple[Bound, float, str]


@dataclass(slots=True, kw_only=True)
class _Search:
    measure: Measure
    samples: int
    max_steps: int
    end_s: float
    cool_down: Callable[[], Awaitable[None]]
    on_step: Callable[[KneeStep], None]
    clock: Clock
    steps: list[KneeStep] = field(default_factory=list)
    held_per_s: list[float] = field(default_factory=list)

    async def run(self, lowest_per_s: float, highest_per_s: float) -> _Found:
        """The whole search."""
        low, high = 0.0, lowest_per_s
        while (result := await self._result_at(high)) is _Result.HELD:
            if high >= highest_per_s:
                return await self._confirm(high, lowest_per_s, "higher rates were not measured")
            low, high = high, min(high * 2, highest_per_s)
        if not low:
            return Bound.NONE, 0.0, _lowest_failed(lowest_per_s, result)
        while high > low * (1 + _PRECISION_RATIO):
            middle = _rounded(math.sqrt(low * high))
            if not low < middle < high:
                break
            if (at_middle := await self._result_at(middle)) is _Result.HELD:
                low = middle
            else:
                high, result = middle, at_middle
        return await self._confirm(low, lowest_per_s, "" if result is _Result.FAILED else result.value)

    async def _confirm(self, rate_per_s: float, lowest_per_s: float, reason: str) -> _Found:
        """The rate, or the next lower one that is held for the longer time."""
        first, down = rate_per_s, _FIRST_STEP_DOWN
        while (result := await self._result_at(rate_per_s, confirmation=True)) is not _Result.HELD:
            self.held_per_s = [rate for rate in self.held_per_s if rate < rate_per_s]
            if rate_per_s <= lowest_per_s:
                return Bound.NONE, 0.0, f"{first:g}/s was held, but no rate for {_CONFIRMATION_FACTOR} times as long"
            reason = "" if result is _Result.FAILED else result.value
            rate_per_s = max(lowest_per_s, _rounded(rate_per_s * (1 - down)))
            down = min(2 * down, 0.5)
        return (Bound.AT_LEAST if reason else Bound.HIGHEST), rate_per_s, reason

    async def _result_at(self, rate_per_s: float, *, confirmation: bool = False) -> _Result:
        """Held in the first measurement is held; any other result needs two of three measurements."""
        counts: Counter[_Result] = Counter()
        for _ in range(3):
            result = await self._step(rate_per_s, confirmation=confirmation)
            counts[result] += 1
            if counts[result] == 2 or (result is _Result.HELD and counts.total() == 1):
                if result is _Result.HELD:
                    self.held_per_s.append(rate_per_s)
                return result
        return _Result.UNMEASURED

    async def _step(self, rate_per_s: float, *, confirmation: bool) -> _Result:
        hold_s = max(_MIN_HOLD_S, self.samples / rate_per_s) * (_CONFIRMATION_FACTOR if confirmation else 1)
        if len(self.steps) >= self.max_steps:
            raise _BudgetExhausted(f"the limit of {self.max_steps} measurements was reached")
        if self.clock.monotonic() + hold_s > self.end_s:
            raise _BudgetExhausted("the time limit was reached")
        if self.steps:
            await self.cool_down()
        measured = await self.measure(rate_per_s, hold_s)
        step = KneeStep(
            rate_per_s=rate_per_s,
            hold_s=hold_s,
            held=measured.held,
            valid=measured.valid,
            generator_limited=measured.generator_limited,
            accepted_per_s=measured.accepted_per_s,
            p99_ms=measured.p99_ms,
            confirmation=confirmation,
        )
        self.steps.append(step)
        self.on_step(step)
        return _result_of(measured)


def _result_of(measured: Measurement) -> _Result:
    if measured.held and measured.valid:
        return _Result.HELD
    if measured.generator_limited:
        return _Result.LIMITED
    return _Result.FAILED if measured.valid else _Result.UNMEASURED


def _lowest_failed(rate_per_s: float, result: _Result) -> str:
    if result is _Result.LIMITED:
        return f"the generator cannot send even {rate_per_s:g}/s"
    return f"even {rate_per_s:g}/s {'was not held' if result is _Result.FAILED else 'could not be measured'}"


def _rounded(rate_per_s: float) -> float:
    """Three digits are enough for a rate that is known to 5 %."""
    return float(f"{rate_per_s:.3g}")
