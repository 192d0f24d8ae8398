"""Finds the highest rate at which the targets are held: doubling, then halving the gap, then a confirmation.

What fails is measured again, and fails when two of three do. A rate that the generator cannot send, or that could not
be measured, is no limit of the target: the answer is then "at least".
"""

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from createflow.schemas.clock import Clock, SystemClock
from createflow.schemas.load_knee import Bound, Knee, KneeStep

PRECISION_RATIO = 0.05
"""The answer lies at most this share below the rate that failed."""
_LEAST_HOLD_S = 10.0
"""An overload of one in a hundred makes a queue of 100 ms in this time."""
_CONFIRMATION = 3
"""The last run is this many times longer than a step."""
_FIRST_STEP_DOWN = 0.025
"""After a confirmation that failed; doubled each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one measurement at a rate said."""

    held: bool
    """Every target, and at least 99 % of what was offered was accepted."""
    valid: bool = True
    generator_limited: bool = False
    """What is missing is the generator's."""
    accepted_per_s: float = 0.0
    p99_ms: float = 0.0


class Measure(Protocol):
    """Offers a rate for so long, after a moment to settle that is in no number."""

    async def __call__(self, rate_per_s: float, hold_s: float) -> Step:
        """Measure once."""


async def _at_once() -> None:
    return None


async def find_max(
    measure: Measure,
    *,
    lowest_per_s: float = 50.0,
    highest_per_s: float = 1_000_000.0,
    samples: int = 1000,
    most_steps: int = 60,
    most_s: float = 3600.0,
    cool_down: Callable[[], Awaitable[None]] = _at_once,
    on_step: Callable[[KneeStep], None] = lambda _: None,
    clock: Clock | None = None,
) -> Knee:
    """Search, and say how sure the answer is.

    Args:
        measure: one measurement.
        lowest_per_s: where the search begins; when it fails there, there is no answer.
        highest_per_s: more is not tried.
        samples: the arrivals that a step must have, for the percentiles that are asked for.
        most_steps: measurements, repetitions included.
        most_s: time for all of them.
        cool_down: awaited between measurements, until the target has worked off what it was given.
        on_step: shown each measurement.
        clock: another one, for tests.
    """
    clock = clock or SystemClock()
    search = _Search(
        measure=measure,
        samples=samples,
        most_steps=most_steps,
        end_s=clock.monotonic() + most_s,
        cool_down=cool_down,
        on_step=on_step,
        clock=clock,
    )
    try:
        bound, rate_per_s, reason = await search.answer(lowest_per_s, highest_per_s)
    except _Spent as spent:
        rate_per_s = max(search.held_per_s, default=0.0)
        bound = Bound.AT_LEAST if rate_per_s else Bound.NONE
        reason = f"{spent}, unconfirmed" if rate_per_s else f"{spent} before any rate was held"
    return Knee(bound=bound, rate_per_s=rate_per_s, reason=reason, steps=tuple(search.steps))


class _Said(Enum):
    """What the measurements at one rate came to; the value tells why a higher rate is not the target's limit."""

    HELD = ""
    FAILED = "the target"
    LIMITED = "generator-limited"
    UNMEASURED = "more could not be measured"


class _Spent(Exception):  # noqa: N818 - no error: the search ends here
    """Steps or time are used up."""


_Answer = tuple[Bound, float, str]


@dataclass(slots=True, kw_only=True)
class _Search:
    measure: Measure
    samples: int
    most_steps: int
    end_s: float
    cool_down: Callable[[], Awaitable[None]]
    on_step: Callable[[KneeStep], None]
    clock: Clock
    steps: list[KneeStep] = field(default_factory=list)
    held_per_s: list[float] = field(default_factory=list)

    async def answer(self, lowest_per_s: float, highest_per_s: float) -> _Answer:
        """The whole search."""
        low, high = 0.0, lowest_per_s
        while (said := await self._said_of(high)) is _Said.HELD:
            if high >= highest_per_s:
                return await self._confirmed(high, lowest_per_s, "more is not tried")
            low, high = high, min(high * 2, highest_per_s)
        if not low:
            return Bound.NONE, 0.0, _even(lowest_per_s, said)
        while high > low * (1 + PRECISION_RATIO):
            middle = _rounded(math.sqrt(low * high))
            if not low < middle < high:
                break
            if (heard := await self._said_of(middle)) is _Said.HELD:
                low = middle
            else:
                high, said = middle, heard
        return await self._confirmed(low, lowest_per_s, "" if said is _Said.FAILED else said.value)

    async def _confirmed(self, rate_per_s: float, lowest_per_s: float, reason: str) -> _Answer:
        """The rate, or the next lower one that is held for longer too."""
        first, down = rate_per_s, _FIRST_STEP_DOWN
        while (said := await self._said_of(rate_per_s, confirmation=True)) is not _Said.HELD:
            self.held_per_s = [rate for rate in self.held_per_s if rate < rate_per_s]
            if rate_per_s <= lowest_per_s:
                return Bound.NONE, 0.0, f"{first:g}/s was held, but no rate for {_CONFIRMATION} times as long"
            reason = "" if said is _Said.FAILED else said.value
            rate_per_s = max(lowest_per_s, _rounded(rate_per_s * (1 - down)))
            down = min(2 * down, 0.5)
        return (Bound.AT_LEAST if reason else Bound.HIGHEST), rate_per_s, reason

    async def _said_of(self, rate_per_s: float, *, confirmation: bool = False) -> _Said:
        """Held at once is held; anything else counts when two of three measurements say it."""
        heard: Counter[_Said] = Counter()
        for _ in range(3):
            said = await self._step(rate_per_s, confirmation=confirmation)
            heard[said] += 1
            if heard[said] == 2 or (said is _Said.HELD and heard.total() == 1):
                if said is _Said.HELD:
                    self.held_per_s.append(rate_per_s)
                return said
        return _Said.UNMEASURED

    async def _step(self, rate_per_s: float, *, confirmation: bool) -> _Said:
        hold_s = max(_LEAST_HOLD_S, self.samples / rate_per_s) * (_CONFIRMATION if confirmation else 1)
        if len(self.steps) >= self.most_steps:
            raise _Spent(f"{self.most_steps} measurements were made")
        if self.clock.monotonic() + hold_s > self.end_s:
            raise _Spent("the time was up")
        if self.steps:
            await self.cool_down()
        step = await self.measure(rate_per_s, hold_s)
        told = KneeStep(
            rate_per_s=rate_per_s,
            hold_s=hold_s,
            held=step.held,
            valid=step.valid,
            generator_limited=step.generator_limited,
            accepted_per_s=step.accepted_per_s,
            p99_ms=step.p99_ms,
            confirmation=confirmation,
        )
        self.steps.append(told)
        self.on_step(told)
        return _said(step)


def _said(step: Step) -> _Said:
    if step.held and step.valid:
        return _Said.HELD
    if step.generator_limited:
        return _Said.LIMITED
    return _Said.FAILED if step.valid else _Said.UNMEASURED


def _even(rate_per_s: float, said: _Said) -> str:
    if said is _Said.LIMITED:
        return f"the generator cannot send even {rate_per_s:g}/s"
    return f"even {rate_per_s:g}/s {'was not held' if said is _Said.FAILED else 'could not be measured'}"


def _rounded(rate_per_s: float) -> float:
    """Three digits are enough for a rate that is known to five in a hundred."""
    return float(f"{rate_per_s:.3g}")
