"""The schedule is arithmetic: every node works out its own share, and the shares are the whole."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from createflow.scenarios.load.schedule import Arrival, ConstantRate, stripe, stripe_size

rates = st.floats(min_value=0.1, max_value=2000)
durations = st.floats(min_value=0.01, max_value=3)


@given(rate=rates, duration=durations, nodes=st.integers(min_value=1, max_value=7))
def test_the_stripes_of_all_nodes_are_the_one_schedule(rate: float, duration: float, nodes: int) -> None:
    """Nothing is sent twice, nothing is forgotten, whatever the number of nodes."""
    schedule = ConstantRate(rate, duration)
    shares = [list(stripe(schedule, index, nodes)) for index in range(nodes)]
    assert sorted(itertools.chain(*shares)) == list(stripe(schedule, 0, 1))


@given(rate=rates, duration=durations)
def test_arrivals_are_in_order_and_inside_the_duration(rate: float, duration: float) -> None:
    """Due times only grow, start at zero and stay below the end."""
    due = [arrival.due_s for arrival in stripe(ConstantRate(rate, duration), 0, 1)]
    assert due[0] == 0.0
    assert all(earlier < later for earlier, later in itertools.pairwise(due))
    assert due[-1] < duration


@given(rate=rates, duration=durations, t=st.floats(min_value=0, max_value=4))
def test_the_count_before_a_moment_is_the_number_of_the_next_arrival(rate: float, duration: float, t: float) -> None:
    """``arrivals_before`` is the inverse of ``due_s``, exact in spite of rounding."""
    schedule = ConstantRate(rate, duration)
    count = schedule.arrivals_before(t)
    assert all(schedule.due_s(k) < t for k in range(count)[-3:])
    assert schedule.due_s(count) >= min(t, duration)


@given(
    rate=rates,
    duration=durations,
    nodes=st.integers(1, 5),
    cut=st.floats(min_value=0, max_value=3),
    index=st.integers(0, 4),
)
def test_the_size_of_a_share_counts_what_the_share_holds(
    rate: float, duration: float, nodes: int, cut: float, index: int
) -> None:
    """What a lost node still owes is known without asking it."""
    schedule, index = ConstantRate(rate, duration), index % nodes
    late = [arrival for arrival in stripe(schedule, index, nodes) if arrival.due_s >= cut]
    assert stripe_size(schedule, index, nodes, start_s=cut, end_s=duration) == len(late)


def test_five_hundred_a_second_for_twenty_seconds_is_ten_thousand() -> None:
    """The default run, to the arrival."""
    arrivals = list(stripe(ConstantRate(500, 20), 0, 1))
    assert len(arrivals) == 10_000
    assert arrivals[501] == Arrival(501, 1.002)
