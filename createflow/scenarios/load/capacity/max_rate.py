"""Searches the highest rate at which all targets are held: doubling, then narrowing, then a longer confirmation.

A rate that fails is measured again, and counts as failed if two of three measurements fail; once is enough where the
target accepted far too little, and in the confirmation, after which a lower rate is tried. What an overloaded target
accepts is the best guess of what it can. A rate that the generator cannot send, or that could not be measured, is not a
limit of the target: the result is then a lower bound.
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
_CLIMB_S = 2.0
"""Of a step of the doubling, which only has to tell far too much from far too little."""
_MIN_HOLD_S = 3.0
"""In this time an overload of 1 % is ten requests of a thousand that are not answered in time."""
_MAX_HOLD_S = 30.0
"""Of a step that waits for samples: the confirmation is long enough for them."""
_CONFIRMATION_FACTOR = 3
"""The confirmation takes this many times as long as a step."""
_MIN_CONFIRMATION_S = 15.0
"""In this time an overload of 1 % builds up a queue of 150 ms."""
_NEAR = 1.2
"""A target that accepts no more at a rate so near above a rate that held is known well enough."""
_BELOW_LASTING = 0.985
"""Of that rate: what is confirmed first."""
_BELOW_ACCEPTED = 0.97
"""Of the rate that an overloaded target accepts: the first guess of what it holds."""
_FIRST_STEP_DOWN = 0.015
"""After a confirmation that failed; doubled each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The result of one measurement at a rate."""

    held: bool
    """Every target was held, and at least 99 % of the offered requests were accepted."""
    valid: bool = True
    generator_limited: bool = False
    """The generator could not send the rate."""
    is_plain: bool = False
    """The target was so far from holding the rate that chance does not explain it."""
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
    confirm: Measure | None = None,
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
        confirm: does the measurements that confirm a rate, if they are others.
        cool_down: awaited between measurements, until the target has finished its work.
        on_step: called after each measurement.
        clock: time source.
    """
    clock = clock or SystemClock()
    search = _Search(
        measure=measure,
        confirm=confirm or measure,
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
    confirm: Measure
    samples: int
    max_steps: int
    end_s: float
    cool_down: Callable[[], Awaitable[None]]
    on_step: Callable[[KneeStep], None]
    clock: Clock
    steps: list[KneeStep] = field(default_factory=list)
    held_per_s: list[float] = field(default_factory=list)
    guess_per_s: float | None = None
    """What an overloaded target accepted, a little lowered, until it was tried."""
    accepted_per_s: float = math.inf
    """In the last plain failure."""

    async def run(self, lowest_per_s: float, highest_per_s: float) -> _Found:
        """The whole search."""
        low, high = 0.0, lowest_per_s
        while (result := await self._result_at(high, min_hold_s=_CLIMB_S, samples=0)) is _Result.HELD:
            if high >= highest_per_s:
                return await self._confirm(high, lowest_per_s, "higher rates were not measured")
            low, high = high, min(high * 2, highest_per_s)
        if not low:
            return Bound.NONE, 0.0, _lowest_failed(lowest_per_s, result)
        low, result = await self._narrow(low, high, result)
        if low * (1 - _PRECISION_RATIO) <= self.accepted_per_s <= low * (1 + _PRECISION_RATIO):
            # What hides a small overload for some seconds, such as a bucket of tokens, hides it no longer.
            low = max(lowest_per_s, min(low, _rounded(self.accepted_per_s * _BELOW_LASTING)))
        return await self._confirm(low, lowest_per_s, "" if result is _Result.FAILED else result.value)

    async def _narrow(self, low: float, high: float, result: _Result) -> tuple[float, _Result]:
        """The highest rate between these that is held, and the result at the lowest one that is not."""
        is_guessed = False
        while high > low * (1 + _PRECISION_RATIO):
            guess, self.guess_per_s = self.guess_per_s, None
            middle = _rounded(math.sqrt(low * high))
            if guess is not None and low < _rounded(guess) < high:
                middle = _rounded(guess)
            elif is_guessed:
                # The guess held: one step that fails just above it ends the search.
                middle = _rounded(low * (1 + _PRECISION_RATIO * 0.96))
            if not low < middle < high:
                break
            at_middle = await self._result_at(middle)
            is_guessed = at_middle is _Result.HELD and guess is not None and not is_guessed
            if at_middle is _Result.HELD:
                low = middle
            else:
                high, result = middle, at_middle
            if high <= low * _NEAR and self.accepted_per_s <= low * (1 + _PRECISION_RATIO):
                break  # offered more, it accepts no more
        return low, result

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

    async def _result_at(
        self,
        rate_per_s: float,
        *,
        confirmation: bool = False,
        min_hold_s: float | None = None,
        samples: int | None = None,
    ) -> _Result:
        """Held in the first measurement is held; any other result needs two of three measurements, or a plain one."""
        samples = self.samples if samples is None else samples
        hold_s = max(_MIN_HOLD_S if min_hold_s is None else min_hold_s, min(samples / rate_per_s, _MAX_HOLD_S))
        if confirmation:
            hold_s = max(hold_s * _CONFIRMATION_FACTOR, _MIN_CONFIRMATION_S, samples / rate_per_s)
        counts: Counter[_Result] = Counter()
        for _ in range(3):
            measured = await self._step(rate_per_s, hold_s, confirmation=confirmation)
            result = _result_of(measured)
            counts[result] += 1
            if result is _Result.FAILED and measured.is_plain:
                self.accepted_per_s = measured.accepted_per_s
                self.guess_per_s = measured.accepted_per_s * _BELOW_ACCEPTED
            if result is _Result.FAILED and (measured.is_plain or confirmation):
                return result
            if counts[result] == 2 or (result is _Result.HELD and counts.total() == 1):
                if result is _Result.HELD:
                    self.held_per_s.append(rate_per_s)
                return result
        return _Result.UNMEASURED

    async def _step(self, rate_per_s: float, hold_s: float, *, confirmation: bool) -> Measurement:
        if len(self.steps) >= self.max_steps:
            raise _BudgetExhausted(f"the limit of {self.max_steps} measurements was reached")
        if self.clock.monotonic() + hold_s > self.end_s:
            raise _BudgetExhausted("the time limit was reached")
        if self.steps:
            await self.cool_down()
        measured = await (self.confirm if confirmation else self.measure)(rate_per_s, hold_s)
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
        return measured


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
