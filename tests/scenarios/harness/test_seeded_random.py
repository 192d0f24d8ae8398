"""What is generated can be generated again."""

import contextvars

import pytest

from createflow.scenarios.harness.seeded_random import cast, dice


def thrown(seed: int, check_id: str) -> float:
    """The first throw of a check in a run."""

    def throw() -> float:
        cast(seed, check_id)
        return dice().random()

    return contextvars.copy_context().run(throw)


def test_the_same_seed_throws_the_same_for_a_check_whatever_ran_before() -> None:
    """Another seed or another check throws something else."""
    assert thrown(1, "a") == thrown(1, "a")
    assert len({thrown(1, "a"), thrown(2, "a"), thrown(1, "b")}) == 3


def test_outside_of_a_check_there_are_no_dice() -> None:
    """A request that no seed repeats would go unnoticed."""
    with pytest.raises(LookupError):
        contextvars.Context().run(dice)
