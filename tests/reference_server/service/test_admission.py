"""How many requests a service takes."""

import pytest

from createflow.reference_server.service.admission import RUNNING_MAX, Admission


def test_without_a_capacity_each_request_has_its_turn_at_once() -> None:
    """Until there are as many as an instance can hold."""
    admission = Admission()
    assert [admission.wait_s(running) for running in (0, 1, RUNNING_MAX - 1)] == [0.0, 0.0, 0.0]
    assert admission.wait_s(RUNNING_MAX) is None


def test_turns_are_evenly_spaced_and_a_long_wait_is_refused() -> None:
    """Of more than an instance is given, another one can take some."""
    now = [100.0]
    admission = Admission(80.0, lambda: now[0])
    waits = [admission.wait_s(0) for _ in range(5)]
    assert waits[:3] == pytest.approx([0.0, 0.0125, 0.025], abs=1e-9)
    assert waits[3:] == [None, None]
    now[0] += 0.01
    assert admission.wait_s(0) == pytest.approx(0.0275, abs=1e-9)
    now[0] += 5.0
    assert admission.wait_s(0) == 0.0


@pytest.mark.parametrize("offered_per_s", [50, 100, 300])
def test_no_more_is_taken_than_the_capacity(offered_per_s: int) -> None:
    """And no less of what is offered."""
    now = [0.0]
    admission = Admission(100.0, lambda: now[0])
    taken = 0
    for _ in range(10 * offered_per_s):
        taken += admission.wait_s(0) is not None
        now[0] += 1 / offered_per_s
    assert taken == pytest.approx(10 * min(offered_per_s, 100), abs=5)
