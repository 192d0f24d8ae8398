"""The highest rate is found in bounded time, and is a lower bound if the generator was the limit."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.scenarios.load.capacity.max_rate import Measurement, find_max
from createflow.schemas.load_finding import Bound, Knee, KneeStep
from tests.fake_clock import FakeClock


@dataclass
class Simulated:
    """A target that serves a fixed rate and queues the rest; held means a p99 of at most 100 ms.

    The generator cannot send more than ``generator_per_s``. A share ``spoiled`` of all steps misses by chance.
    """

    capacity_per_s: float
    generator_per_s: float = float("inf")
    spoiled: float = 0.0
    seed: int = 0
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - a simulation

    async def __call__(self, rate_per_s: float, hold_s: float) -> Measurement:
        """Measure without waiting."""
        self.clock.advance(hold_s)
        served = min(rate_per_s, self.capacity_per_s, self.generator_per_s)
        queue_s = max(0.0, min(rate_per_s, self.generator_per_s) - self.capacity_per_s) * hold_s / self.capacity_per_s
        p99_ms = 10 + 1000 * queue_s
        held = p99_ms <= 100 and served >= 0.99 * rate_per_s and self.dice.random() >= self.spoiled
        limited = rate_per_s > self.generator_per_s
        return Measurement(
            held=held,
            valid=not limited,
            generator_limited=limited,
            is_plain=not limited and served < 0.9 * rate_per_s,
            accepted_per_s=served,
            p99_ms=p99_ms,
        )

    def found(self, **options: float) -> Knee:
        """Search."""
        return asyncio.run(find_max(self, clock=self.clock, **options))  # type: ignore[arg-type] # numbers


def test_a_target_of_300_a_second_is_found_within_five_percent() -> None:
    """And the result says that it is the highest rate."""
    knee = Simulated(300).found()
    assert knee.bound is Bound.HIGHEST
    assert knee.rate_per_s == pytest.approx(300, rel=0.05)
    assert knee.answer == f"{knee.rate_per_s:g}/s"


@given(st.floats(60, 200_000))
@settings(max_examples=100, deadline=None)
def test_any_capacity_is_found_within_five_percent(capacity_per_s: float) -> None:
    """Never above what the target serves, except what a queue of 100 ms hides, and in bounded time."""
    target = Simulated(capacity_per_s)
    start_s = target.clock.monotonic()
    knee = target.found()
    assert knee.bound is Bound.HIGHEST
    assert 0.95 * capacity_per_s <= knee.rate_per_s <= 1.015 * capacity_per_s
    assert len(knee.steps) <= 40
    assert target.clock.monotonic() - start_s <= 1200


def test_one_step_in_ten_that_fails_by_chance_does_not_change_the_answer() -> None:
    """In at most one search in five, because a failure is measured again."""
    found = [Simulated(300, spoiled=0.1, seed=seed).found().rate_per_s for seed in range(50)]
    assert max(found) <= 1.015 * 300
    assert sum(rate >= 0.95 * 300 for rate in found) >= 40
    assert min(found) > 0


@given(st.floats(60, 5000), st.floats(0, 1), st.integers(0, 1000), st.floats(50, 5000), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_the_search_ends_for_every_noisy_target(
    capacity_per_s: float, spoiled: float, seed: int, generator_per_s: float, max_steps: int
) -> None:
    """Its result was held, within the limits of the search."""
    target = Simulated(capacity_per_s, generator_per_s, spoiled, seed)
    start_s = target.clock.monotonic()
    knee = target.found(max_steps=max_steps, max_s=900)
    assert len(knee.steps) <= max_steps
    assert target.clock.monotonic() - start_s <= 900
    assert knee.rate_per_s <= 1.015 * min(capacity_per_s, generator_per_s)
    assert (knee.bound is Bound.NONE) == (knee.rate_per_s == 0)
    if knee.rate_per_s:
        assert any(step.held and step.rate_per_s == knee.rate_per_s for step in knee.steps)
    if knee.bound is Bound.HIGHEST:
        assert any(step.confirmation and step.held and step.rate_per_s == knee.rate_per_s for step in knee.steps)


@pytest.mark.parametrize("generator_per_s", [120.0, 200.0, 290.0])
def test_a_generator_limit_makes_the_result_a_lower_bound(generator_per_s: float) -> None:
    """Nothing is known above it. The bound is as high as the generator can show."""
    knee = Simulated(1000, generator_per_s).found()
    assert knee.bound is Bound.AT_LEAST
    assert 0.95 * generator_per_s <= knee.rate_per_s <= generator_per_s
    assert knee.answer == f">= {knee.rate_per_s:g}/s (generator-limited)"


def test_a_target_that_fails_below_the_generators_limit_is_still_measured() -> None:
    """The generator fails at 400/s; between 200/s and there the target does."""
    knee = Simulated(250, 380).found()
    assert knee.bound is Bound.HIGHEST
    assert knee.rate_per_s == pytest.approx(250, rel=0.05)


def _always(step: Measurement) -> Callable[[float, float], object]:
    async def measure(_rate_per_s: float, _hold_s: float) -> Measurement:
        return step

    return measure


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        (Measurement(held=False), "none: even 50/s was not held"),
        (Measurement(held=False, valid=False, generator_limited=True), "none: the generator cannot send even 50/s"),
        (Measurement(held=True, valid=False), "none: even 50/s could not be measured"),
        (Measurement(held=True), ">= 1600/s (higher rates were not measured)"),
    ],
)
def test_a_result_at_either_end_says_why(step: Measurement, answer: str) -> None:
    """No number if nothing was held; no maximum if nothing failed."""
    knee = asyncio.run(find_max(_always(step), highest_per_s=1600, clock=FakeClock()))  # type: ignore[arg-type]
    assert knee.answer == answer


@dataclass
class Scripted:
    """Gives scripted results for each rate in order, and repeats the last one."""

    script: dict[float, str]

    async def __call__(self, rate_per_s: float, hold_s: float) -> Measurement:  # noqa: ARG002 - as the protocol says
        """``h``eld, ``f``ailed, ``g``enerator-limited, ``i``nvalid."""
        told = self.script.get(rate_per_s, "h" if rate_per_s < min(self.script) else "f")
        if len(told) > 1:
            self.script[rate_per_s] = told[1:]
        return {
            "h": Measurement(held=True),
            "f": Measurement(held=False),
            "g": Measurement(held=False, valid=False, generator_limited=True),
            "i": Measurement(held=False, valid=False),
        }[told[0]]


@pytest.mark.parametrize(
    ("at_100", "tries", "held"),
    [("h", 1, True), ("fhh", 3, True), ("fhf", 3, False), ("ff", 2, False), ("gg", 2, False), ("fgi", 3, False)],
)
def test_a_failure_needs_two_of_three_measurements(at_100: str, tries: int, held: bool) -> None:  # noqa: FBT001
    """One success is enough."""
    knee = asyncio.run(find_max(Scripted({100: at_100, 200: "f"}), clock=FakeClock()))
    assert sum(step.rate_per_s == 100 and not step.confirmation for step in knee.steps) == tries
    assert (knee.rate_per_s >= 100) is held


def test_a_rate_that_does_not_last_gives_way_to_a_lower_one() -> None:
    """Held for some seconds but not for fifteen: the next lower rate is confirmed instead."""

    async def measure(rate_per_s: float, hold_s: float) -> Measurement:
        return Measurement(held=rate_per_s <= (300 if hold_s < 15 else 280))

    knee = asyncio.run(find_max(measure, clock=FakeClock()))
    assert knee.bound is Bound.HIGHEST
    assert 265 <= knee.rate_per_s <= 280


def test_rates_that_fail_the_confirmation_give_no_result() -> None:
    """Every short run is held, no long one is."""

    async def measure(rate_per_s: float, hold_s: float) -> Measurement:
        return Measurement(held=rate_per_s <= 300 and hold_s < 15)

    knee = asyncio.run(find_max(measure, samples=100, clock=FakeClock()))
    assert (knee.bound, "for 3 times as long" in knee.answer) == (Bound.NONE, True)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"max_steps": 3}, "the limit of 3 measurements was reached, not confirmed"),
        ({"max_s": 7}, "the time limit was reached, not confirmed"),
    ],
)
def test_an_exhausted_search_gives_a_lower_bound(options: dict[str, float], reason: str) -> None:
    """The highest rate that was held."""
    target = Simulated(10_000)
    knee = target.found(**options)
    assert (knee.bound, knee.rate_per_s, knee.reason) == (Bound.AT_LEAST, max(s.rate_per_s for s in knee.steps), reason)
    assert Simulated(100).found(max_s=1).answer == "none: the time limit was reached before any rate was held"


def test_a_failed_confirmation_is_not_the_result_of_an_exhausted_search() -> None:
    """The rate was held for some seconds and not for fifteen, so only lower rates count."""

    async def measure(rate_per_s: float, hold_s: float) -> Measurement:
        return Measurement(held=rate_per_s <= 300 and hold_s < 15)

    whole = asyncio.run(find_max(measure, samples=100, clock=FakeClock()))
    unconfirmed = next(number for number, step in enumerate(whole.steps) if step.confirmation)
    knee = asyncio.run(find_max(measure, samples=100, max_steps=unconfirmed + 1, clock=FakeClock()))
    assert 0 < knee.rate_per_s < whole.steps[unconfirmed].rate_per_s
    assert knee.bound is Bound.AT_LEAST


def test_every_step_has_enough_samples_and_a_cool_down() -> None:
    """1,000 for a p99 once the doubling has ended, three times that for the confirmation; no pause before the first."""
    told: list[KneeStep] = []
    cooled: list[int] = []

    async def cool_down() -> None:
        cooled.append(len(told))

    target = Simulated(300)
    knee = asyncio.run(find_max(target, clock=target.clock, cool_down=cool_down, on_step=told.append))
    assert tuple(told) == knee.steps
    assert cooled == list(range(1, len(told)))
    first_failed = next(number for number, step in enumerate(told) if not step.held)
    for step in told[first_failed + 1 :]:
        assert step.hold_s >= (15 if step.confirmation else 3)
        assert step.hold_s * step.rate_per_s >= 999 * (3 if step.confirmation else 1)
    assert {step.hold_s for step in told[:first_failed]} == {2.0}
    more = Simulated(300).found(samples=10_000)
    assert more.steps[-1].hold_s * more.steps[-1].rate_per_s >= 9999, "the confirmation has all of them"


def test_a_sharp_limit_takes_few_measurements() -> None:
    """What an overloaded target accepts tells where to look: 42 s of load for 300/s."""
    target = Simulated(300)
    start_s = target.clock.monotonic()
    knee = target.found(samples=1000)
    assert 285 <= knee.rate_per_s <= 300
    assert target.clock.monotonic() - start_s <= 42


def test_a_bucket_that_hides_a_small_overload_is_seen_through() -> None:
    """For seconds it takes more than it lasts: what it accepts at a higher rate is what it lasts."""
    capacity_per_s, burst = 300.0, 30.0

    async def measure(rate_per_s: float, hold_s: float) -> Measurement:
        refused = max(0.0, (rate_per_s - capacity_per_s) * hold_s - burst)
        accepted_per_s = rate_per_s - refused / hold_s
        return Measurement(held=refused == 0, is_plain=accepted_per_s < 0.9 * rate_per_s, accepted_per_s=accepted_per_s)

    knee = asyncio.run(find_max(measure, clock=FakeClock()))
    assert 285 <= knee.rate_per_s <= 1.01 * 300
    assert sum(step.confirmation for step in knee.steps) <= 2


def test_the_search_is_saved_and_read_again() -> None:
    """As part of a report."""
    knee = Simulated(300).found()
    endless = knee.model_copy(update={"steps": (knee.steps[0].model_copy(update={"p99_ms": float("inf")}),)})
    assert Knee.model_validate_json(endless.model_dump_json()) == endless
