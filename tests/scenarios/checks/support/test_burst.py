"""The worst stretch is found wherever it lies, and doubt is in the target's favour."""

import pytest

from createflow.scenarios.checks.support.burst import worst_window


@pytest.mark.parametrize(
    ("admissions", "worst"),
    [
        ([], (0, 0.0)),
        ([(1.0, 1.1)], (1, pytest.approx(0.1))),
        ([(n, n + 0.1) for n in range(10)], (1, pytest.approx(0.1))),
        ([(0.0, 0.1), *[(5 + n / 100, 5.01 + n / 100) for n in range(10)], (9.0, 9.1)], (10, pytest.approx(0.1))),
        ([(0.0, 3.0), (1.0, 1.1), (1.0, 1.1)], (2, pytest.approx(0.1))),
    ],
    ids=["none", "one", "steady", "a burst amid others", "one that may have been earlier"],
)
def test_the_worst_window(admissions: list[tuple[float, float]], worst: tuple[int, float]) -> None:
    """At two a second."""
    assert worst_window(admissions, 2.0) == worst


def test_two_bursts_that_a_fixed_window_lets_through_are_one() -> None:
    """At the end of one second and at the beginning of the next."""
    bursts = [(at, at + 0.001) for at in (0.99, 1.0) for _ in range(5)]
    assert worst_window(bursts, 5.0)[0] == 10
