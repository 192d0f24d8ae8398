"""Checks are chosen by the beginning of their id."""

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.harness.selection import select
from createflow.schemas.error import UserError


def test_without_prefixes_everything_is_chosen() -> None:
    """In the order of the flow."""
    assert select(CHECKS, []) == CHECKS


def test_prefixes_add_up() -> None:
    """A whole id is a prefix too."""
    chosen = select(CHECKS, ["rate_limit", "response.create_is_201"])
    assert {check.step.value for check in chosen} == {"rate_limit", "response"}
    assert sum(check.step.value == "response" for check in chosen) == 1


@pytest.mark.parametrize(
    ("prefix", "hint"),
    [
        ("auth_chek", "auth_check"),
        ("missing_token_is_401", "auth_check.missing_token_is_401"),
        ("429", "rate_limit.excess_is_429"),
        ("zzz", "createflow checks lists them all"),
    ],
)
def test_a_prefix_that_chooses_nothing_is_refused_with_what_is_near(prefix: str, hint: str) -> None:
    """Running nothing would look green."""
    with pytest.raises(UserError) as caught:
        select(CHECKS, [prefix])
    assert hint in caught.value.hint


def test_what_is_skipped_is_left_out_of_what_is_chosen() -> None:
    """Both by prefix."""
    chosen = select(CHECKS, ["rate_limit"], ["rate_limit.excess"])
    assert chosen
    assert all(check.id.startswith("rate_limit.") for check in chosen)
    assert not any(check.id.startswith("rate_limit.excess") for check in chosen)


def test_a_skip_that_matches_nothing_is_refused() -> None:
    """A renamed check would run again unnoticed, or a typing error skip nothing."""
    with pytest.raises(UserError, match="no check starts with 'rate_limt'"):
        select(CHECKS, [], ["rate_limt"])


def test_to_skip_all_that_is_chosen_is_refused() -> None:
    """A run of nothing."""
    with pytest.raises(UserError, match="every check that was chosen is skipped"):
        select(CHECKS, ["rate_limit"], ["rate"])
