"""The Universal Scalability Law through measured rates."""

import random

import pytest

from createflow.scenarios.load.capacity.scalability import fit_law
from createflow.schemas.load_finding import ScaleFit


def points(law: ScaleFit, counts: tuple[int, ...] = (1, 2, 4, 8), *, noise: float = 0.0) -> list[tuple[int, float]]:
    """Rates by a law, each a little wrong."""
    chance = random.Random(7)  # noqa: S311 - no secret
    return [(count, law.rate_with(count) * (1 + noise * chance.uniform(-1, 1))) for count in counts]


@pytest.mark.parametrize(
    ("contention", "coherency"), [(0.0, 0.0), (0.05, 0.0), (0.0, 0.01), (0.05, 0.001), (0.9, 0.0), (0.3, 0.02)]
)
def test_the_numbers_of_a_law_are_found(contention: float, coherency: float) -> None:
    """Exactly, where the points are exact."""
    found = fit_law(points(ScaleFit(rate_per_s=150.0, contention=contention, coherency=coherency)))
    assert found is not None
    assert (found.rate_per_s, found.contention, found.coherency) == pytest.approx(
        (150, contention, coherency), abs=1e-6
    )
    assert found.deviation_ratio == pytest.approx(0.0, abs=1e-9)


def test_a_lock_around_the_whole_is_contention() -> None:
    """Every number of instances does what one does: 100 % of the work waits."""
    found = fit_law([(1, 150.0), (2, 149.0), (4, 151.0)])
    assert found is not None
    assert found.contention == pytest.approx(1.0, abs=0.05)
    assert found.peak_rate_per_s == pytest.approx(150, rel=0.05)


def test_a_rate_that_falls_has_a_peak() -> None:
    """Where more instances do less, and how much it is there."""
    law = ScaleFit(rate_per_s=100.0, contention=0.02, coherency=0.01)
    found = fit_law(points(law, (1, 2, 4, 8, 16)))
    assert found is not None
    assert found.peak_count == pytest.approx((0.98 / 0.01) ** 0.5)
    assert found.peak_rate_per_s == pytest.approx(law.rate_with(found.peak_count))


def test_no_number_is_negative_whatever_was_measured() -> None:
    """Rates that grow faster than the instances are noise to this law: a proportion is nearest to them."""
    found = fit_law([(1, 100.0), (2, 210.0), (4, 430.0)])
    assert found is not None
    assert (found.contention, found.coherency) == (0.0, 0.0)
    assert 100 < found.rate_per_s < 110
    assert 0.02 < found.deviation_ratio < 0.1


@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_noise_moves_the_law_a_little(noise: float) -> None:
    """As much as the rates themselves."""
    found = fit_law(points(ScaleFit(rate_per_s=150.0, contention=0.1), (1, 2, 3, 4, 6, 8), noise=noise))
    assert found is not None
    assert found.contention == pytest.approx(0.1, abs=0.05)
    assert found.deviation_ratio <= 2.5 * noise


def test_two_numbers_of_instances_tell_one_of_contention_and_coherency() -> None:
    """The law then goes through both points."""
    found = fit_law([(1, 100.0), (4, 300.0)])
    assert found is not None
    assert found.deviation_ratio == pytest.approx(0.0, abs=1e-9)
    assert (found.contention == 0.0) or (found.coherency == 0.0)


@pytest.mark.parametrize("measured", [[], [(1, 100.0)], [(2, 100.0), (2, 110.0)], [(1, 0.0), (2, 100.0)]])
def test_fewer_points_have_no_law(measured: list[tuple[int, float]]) -> None:
    """A rate of nothing is no point."""
    assert fit_law(measured) is None
