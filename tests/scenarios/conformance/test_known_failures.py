"""A known failure is tolerated while it fails and its day has not passed, and told otherwise."""

from datetime import date

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.known_failures import assess, require_known
from createflow.schemas.error import UserError
from createflow.schemas.profile import BaselineEntry
from createflow.schemas.report import Outcome, Standing
from tests.scenarios.reports.conformance.made_report import result

LAST_DAY = date(2030, 1, 31)
NEXT_DAY = date(2030, 2, 1)


def entry(check_id: str = "auth_check.a") -> BaselineEntry:
    """One that ends on the last day."""
    return BaselineEntry(id=check_id, reason="r", expires=LAST_DAY)


@pytest.mark.parametrize(
    ("outcome", "today", "standing"),
    [
        (Outcome.FAILED, LAST_DAY, Standing.TOLERATED),
        (Outcome.FAILED, NEXT_DAY, Standing.EXPIRED),
        (Outcome.PASSED, LAST_DAY, Standing.STALE),
        (Outcome.PASSED, NEXT_DAY, Standing.STALE),
        (Outcome.SKIPPED, LAST_DAY, Standing.UNTESTED),
        (Outcome.INCONCLUSIVE, LAST_DAY, Standing.UNTESTED),
        (Outcome.BROKEN, LAST_DAY, Standing.UNTESTED),
        (Outcome.BROKEN, NEXT_DAY, Standing.EXPIRED),
    ],
)
def test_what_becomes_of_an_entry(outcome: Outcome, today: date, standing: Standing) -> None:
    """The last day still counts."""
    (judgement,) = assess([entry()], [result("a", outcome)], today=today)
    assert judgement.standing is standing
    assert (judgement.id, judgement.reason, judgement.expires) == ("auth_check.a", "r", "2030-01-31")


def test_an_entry_whose_check_was_not_selected_is_not_assess() -> None:
    """A part of the checks says nothing about the others."""
    assert assess([entry()], [result("b", Outcome.PASSED)], today=NEXT_DAY) == ()


def test_an_entry_for_no_check_is_the_users_mistake_and_the_near_one_is_named() -> None:
    """A typing error would tolerate nothing and never go stale."""
    with pytest.raises(UserError, match=r"baseline\.1\.id: there is no check 'auth_check\.mising") as raised:
        require_known([entry(CHECKS[0].id), entry("auth_check.mising_token_is_401")], CHECKS)
    assert "auth_check.missing_token_is_401" in raised.value.hint


def test_the_same_check_twice_is_a_mistake() -> None:
    """Two reasons and two days are none."""
    with pytest.raises(UserError, match="listed twice"):
        require_known([entry(CHECKS[0].id)] * 2, CHECKS)
