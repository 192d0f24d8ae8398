"""The schedule is arithmetic: every node works out its own share, and the shares are the whole."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.scenarios.load.plan.schedule import Schedule, Stage, constant

rates = st.floats(min_value=0.1, max_value=2000)
durations = st.floats(min_value=0.01, max_value=2)
stages = st.lists(st.builds(Stage, durations, rates, rates), min_size=1, max_size=4).map(tuple)
schedules = st.builds(Schedule, stages)
nodes = st.integers(min_value=1, max_value=5)


@settings(deadline=None)
@given(schedule=schedules, of=nodes)
def test_the_shares_of_all_nodes_are_the_one_schedule(schedule: Schedule, of: int) -> None:
    """Nothing is sent twice, nothing is forgotten, at the same times, whatever the number of nodes."""
    shares = [list(schedule.share(index, of)) for index in range(of)]
    assert sorted(itertools.chain(*shares)) == list(schedule.share(0, 1))


@settings(deadline=None)
@given(schedule=schedules)
def test_arrivals_are_in_order_and_inside_the_duration(schedule: Schedule) -> None:
    """Due times only grow, start at zero and stay below the end."""
    due = [arrival.due_s for arrival in schedule.share(0, 1)]
    assert due[0] == 0.0
    assert all(earlier <= later for earlier, later in itertools.pairwise(due))
    assert due[-1] < schedule.duration_s


@settings(deadline=None)
@given(schedule=schedules, of=nodes, cut=durations, index=st.integers(0, 4))
def test_the_size_of_a_share_counts_what_the_share_holds(schedule: Schedule, of: int, cut: float, index: int) -> None:
    """What a lost node still owes is known without asking it."""
    index %= of
    late = [arrival for arrival in schedule.share(index, of) if arrival.due_s >= cut]
    assert schedule.share_size(index, of, start_s=cut) == len(late)


@settings(deadline=None)
@given(schedule=schedules, start=st.floats(0, 1), end=st.floats(1, 8))
def test_counts_between_two_moments_match_the_integral(schedule: Schedule, start: float, end: float) -> None:
    """A ramp is not a row of steps: as many arrivals as the area below the rate, to the one at each end."""
    seen = schedule.share_size(0, 1, start_s=start, end_s=end)
    assert abs(seen - schedule.expected(start, end)) < 2


def test_five_hundred_a_second_for_twenty_seconds_is_ten_thousand() -> None:
    """The default run, to the arrival."""
    arrivals = list(constant(500, 20).share(0, 1))
    assert len(arrivals) == 10_000
    assert (arrivals[501].k, arrivals[501].due_s) == (501, 1.002)


def test_a_ramp_from_nothing_and_a_pause_have_their_arrivals_where_the_rate_is() -> None:
    """0 to 1,000/s in 10 s is 5,000, half of them in the last 2.9 s; a pause has none."""
    schedule = Schedule((Stage(10, 0, 1000), Stage(5, 0, 0), Stage(5, 100, 100)))
    due = [arrival.due_s for arrival in schedule.share(0, 1)]
    assert len(due) == 5500
    assert due[2500] == pytest.approx(10 / math.sqrt(2))
    assert not [moment for moment in due if 10.001 < moment < 15]


def test_random_arrivals_are_a_poisson_process() -> None:
    """Exponential gaps (Kolmogorov and Smirnov, 1 %), as many variants as means, the same for the same seed."""
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
    """Three nodes, each with a process of its own, together have the rate of the ramp."""
    schedule = Schedule((Stage(20, 0, 1000),), poisson=True, seed=1)
    shares = [list(schedule.share(index, 3)) for index in range(3)]
    late = sum(arrival.due_s >= 10 for share in shares for arrival in share)
    assert late == pytest.approx(7500, abs=3 * math.sqrt(7500))
    numbers = [arrival.k for share in shares for arrival in share]
    assert len(set(numbers)) == len(numbers), "no number twice"
    assert schedule.share_size(1, 3, start_s=10) == sum(arrival.due_s >= 10 for arrival in shares[1])
