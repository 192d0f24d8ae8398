"""Schedules and shapes: every worker computes its own share, and the shares are the whole schedule."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.scenarios.load.plan.schedule import (
    Schedule,
    Stage,
    add_warmup,
    is_custom_shape,
    parse_client_count,
    parse_shape,
)
from createflow.schemas.error import UserError

rates = st.floats(min_value=0.1, max_value=2000)
durations = st.floats(min_value=0.01, max_value=2)
stages = st.lists(st.builds(Stage, durations, rates, rates), min_size=1, max_size=4).map(tuple)
schedules = st.builds(Schedule, stages)
nodes = st.integers(min_value=1, max_value=5)


@settings(deadline=None)
@given(schedule=schedules, of=nodes)
def test_the_shares_of_all_workers_are_the_schedule(schedule: Schedule, of: int) -> None:
    """No arrival is sent twice or lost, whatever the number of workers."""
    shares = [list(schedule.share(index, of)) for index in range(of)]
    assert sorted(itertools.chain(*shares)) == list(schedule.share(0, 1))


@settings(deadline=None)
@given(schedule=schedules)
def test_arrivals_are_in_order_and_inside_the_duration(schedule: Schedule) -> None:
    """Due times never decrease, start at zero and stay below the end."""
    due = [arrival.due_s for arrival in schedule.share(0, 1)]
    assert due[0] == 0.0
    assert all(earlier <= later for earlier, later in itertools.pairwise(due))
    assert due[-1] < schedule.duration_s


@settings(deadline=None)
@given(schedule=schedules, start=st.floats(0, 1), end=st.floats(1, 8))
def test_counts_between_two_times_match_the_integral(schedule: Schedule, start: float, end: float) -> None:
    """A ramp is not a sequence of steps: the count is the area below the rate."""
    seen = sum(start <= arrival.due_s < end for arrival in schedule.share(0, 1))
    assert abs(seen - schedule.arrival_count(start, end)) < 2


def test_five_hundred_a_second_for_twenty_seconds_is_ten_thousand() -> None:
    """Exactly."""
    arrivals = list(Schedule((Stage(20, 500, 500),)).share(0, 1))
    assert len(arrivals) == 10_000
    assert (arrivals[501].k, arrivals[501].due_s) == (501, 1.002)


def test_ramp_and_pause_have_arrivals_where_the_rate_is() -> None:
    """0 to 1,000/s in 10 s is 5,000, half of them in the last 2.9 s; a pause has none."""
    schedule = Schedule((Stage(10, 0, 1000), Stage(5, 0, 0), Stage(5, 100, 100)))
    due = [arrival.due_s for arrival in schedule.share(0, 1)]
    assert len(due) == 5500
    assert due[2500] == pytest.approx(10 / math.sqrt(2))
    assert not [moment for moment in due if 10.001 < moment < 15]


def test_random_arrivals_are_a_poisson_process() -> None:
    """Exponential gaps (Kolmogorov and Smirnov, 1 %), variance equal to the mean, the same for the same seed."""
    schedule = Schedule((Stage(100, 100, 100),), poisson=True, seed=7)
    due = [arrival.due_s for arrival in schedule.share(0, 1)]
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(due))
    distance = max(abs((i + 1) / len(gaps) - (1 - math.exp(-100 * gap))) for i, gap in enumerate(gaps))
    assert distance < 1.63 / math.sqrt(len(gaps))
    counts = [sum(second <= moment < second + 1 for moment in due) for second in range(100)]
    mean = sum(counts) / 100
    dispersion = sum((count - mean) ** 2 for count in counts) / 99 / mean
    assert dispersion == pytest.approx(1, abs=0.43), "three standard deviations of a chi-square of 99"
    assert due == [arrival.due_s for arrival in schedule.share(0, 1)]
    assert due != [arrival.due_s for arrival in Schedule(schedule.stages, poisson=True, seed=8).share(0, 1)]


def test_random_arrivals_follow_a_changing_rate() -> None:
    """Three workers, each with its own process, together have the rate of the ramp."""
    schedule = Schedule((Stage(20, 0, 1000),), poisson=True, seed=1)
    shares = [list(schedule.share(index, 3)) for index in range(3)]
    late = sum(arrival.due_s >= 10 for share in shares for arrival in share)
    assert late == pytest.approx(7500, abs=3 * math.sqrt(7500))
    numbers = [arrival.k for share in shares for arrival in share]
    assert len(set(numbers)) == len(numbers), "no number twice"


@pytest.mark.parametrize(
    ("shape", "stages"),
    [
        ("constant", [(10, 100, 100)]),
        ("soak", [(10, 100, 100)]),
        ("ramp", [(10, 10, 100)]),
        ("steps:2", [(5, 50, 50), (5, 100, 100)]),
        ("spike:3", [(4, 100, 100), (2, 300, 300), (4, 100, 100)]),
        ("0..1000/1m,1000/5m, 0/500ms", [(60, 0, 1000), (300, 1000, 1000), (0.5, 0, 0)]),
    ],
)
def test_a_shape_is_a_row_of_stages(shape: str, stages: list[tuple[float, float, float]]) -> None:
    """What each name means, at 100/s for 10 s."""
    assert parse_shape(shape, rate_per_s=100, duration_s=10) == tuple(Stage(*stage) for stage in stages)


def test_steps_and_spike_have_defaults() -> None:
    """Five steps; five times the rate."""
    assert len(parse_shape("steps", rate_per_s=100, duration_s=10)) == 5
    assert parse_shape("spike", rate_per_s=100, duration_s=10)[1].to_per_s == 500


@pytest.mark.parametrize(
    "shape", ["circle", "ramp:3", "steps:x", "", "100", "100/", "1..2..3/4s", "-5/3s", "5/0s", "0/9s"]
)
def test_an_invalid_shape_is_an_error_with_examples(shape: str) -> None:
    """Exit status 2."""
    with pytest.raises(UserError) as caught:
        parse_shape(shape, rate_per_s=100, duration_s=10)
    assert "0..1000/1m" in caught.value.hint


def test_a_closed_model_schedules_nothing() -> None:
    """It has only a duration."""
    assert parse_shape("closed:50", rate_per_s=500, duration_s=20) == (Stage(20, 0, 0),)
    assert [parse_client_count(shape) for shape in ("closed:50", "closed", "closed:0", "constant")] == [50, 0, 0, 0]


def test_only_stages_have_their_own_rates() -> None:
    """A rate beside them would contradict."""
    assert is_custom_shape("100/3s")
    assert not is_custom_shape("spike:3")


def test_the_warmup_has_the_first_rate_of_the_shape() -> None:
    """At least a tenth of the highest rate."""
    assert add_warmup((Stage(1, 50, 100),), 2)[0] == Stage(2, 50, 50)
    assert add_warmup((Stage(1, 0, 100),), 2)[0] == Stage(2, 10, 10)
    assert len(add_warmup((Stage(1, 50, 100),), 0)) == 1
