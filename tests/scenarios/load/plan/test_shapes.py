"""Shapes by name and spelled out."""

import pytest

from createflow.scenarios.load.plan.schedule import Stage
from createflow.scenarios.load.plan.shapes import clients_of, is_spelled_out, stages_of, with_warmup
from createflow.schemas.error import UserError


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
    assert stages_of(shape, rate_per_s=100, duration_s=10) == tuple(Stage(*stage) for stage in stages)


def test_steps_and_spike_have_numbers_of_their_own() -> None:
    """Five steps; five times the rate."""
    assert len(stages_of("steps", rate_per_s=100, duration_s=10)) == 5
    assert stages_of("spike", rate_per_s=100, duration_s=10)[1].to_per_s == 500


@pytest.mark.parametrize(
    "shape", ["circle", "ramp:3", "steps:x", "", "100", "100/", "1..2..3/4s", "-5/3s", "5/0s", "0/9s"]
)
def test_anything_else_is_told_with_what_is_understood(shape: str) -> None:
    """Exit 2 with examples."""
    with pytest.raises(UserError) as caught:
        stages_of(shape, rate_per_s=100, duration_s=10)
    assert "0..1000/1m" in caught.value.hint


def test_a_closed_model_schedules_nothing() -> None:
    """Only how long it lasts."""
    assert stages_of("closed:50", rate_per_s=500, duration_s=20) == (Stage(20, 0, 0),)
    assert [clients_of(shape) for shape in ("closed:50", "closed", "closed:0", "constant")] == [50, 0, 0, 0]


def test_only_stages_say_rates_themselves() -> None:
    """A rate beside them would contradict."""
    assert is_spelled_out("100/3s")
    assert not is_spelled_out("spike:3")


def test_the_warmup_runs_at_the_rate_that_the_shape_begins_with() -> None:
    """Or a tenth of the highest, where that is nothing."""
    assert with_warmup((Stage(1, 50, 100),), 2)[0] == Stage(2, 50, 50)
    assert with_warmup((Stage(1, 0, 100),), 2)[0] == Stage(2, 10, 10)
    assert len(with_warmup((Stage(1, 50, 100),), 0)) == 1
