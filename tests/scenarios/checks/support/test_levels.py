"""What no standard and no promise demands never counts as a must, and never hides one."""

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.checks.support.deviations import Deviations
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.expect import expect
from createflow.scenarios.outcome import Expectation
from createflow.scenarios.target.contract import Contract
from createflow.schemas.profile import Profile
from createflow.schemas.profile_promises import Promises
from createflow.schemas.profile_target import Target
from createflow.schemas.report import Level


def test_a_lesser_part_is_told_at_the_end() -> None:
    """The first of them, as a should; what is a must is raised at once."""
    lesser = Lesser()
    with lesser:
        expect(False, "this", "that")
    with lesser:
        expect(False, "these", "those")
    with pytest.raises(Expectation) as told:
        lesser.tell()
    assert (told.value.expected, told.value.level) == ("this", Level.SHOULD)


def test_a_promised_part_is_an_ordinary_failure() -> None:
    """At the level of the check."""
    target = Target.model_validate({"base_url": "http://x"})
    lesser = Lesser.than_our_contract(Contract(target, Promises(contract=True)))
    with pytest.raises(Expectation) as told, lesser:
        expect(False, "this", "that")
    assert told.value.level is None
    lesser.tell()


def test_our_contract_is_promised_only_where_its_schema_is_used() -> None:
    """Another body has other fields."""
    other = Target.model_validate({"base_url": "http://x", "body": {"title": "a"}})
    assert not Contract(other, Promises(contract=True)).is_promised
    assert not Contract(Target.model_validate({"base_url": "http://x"})).is_promised


def test_other_exceptions_pass() -> None:
    """Only failures have a level."""
    with pytest.raises(ValueError, match="no failure"), Lesser():
        raise ValueError("no failure")


def test_deviations_of_a_must_come_before_the_lesser() -> None:
    """Which are told alone, as a should."""
    found = Deviations(tried=2)
    found.note("kept", "rounded", is_lesser=True)
    with pytest.raises(Expectation) as told:
        found.judge()
    assert (told.value.seen, told.value.level) == ("rounded", Level.SHOULD)
    found.note("kept", "cut")
    with pytest.raises(Expectation) as told:
        found.judge()
    assert (told.value.seen, told.value.level) == ("cut", None)


def test_a_promise_raises_a_check() -> None:
    """For the run of a target that promises it."""
    raised = [check for check in CHECKS if check.must_with is not None]
    assert raised
    for promised, level in ((True, Level.MUST), (False, Level.SHOULD)):
        profile = Profile.model_validate({"target": {"base_url": "http://x"}, "promises": {"contract": promised}})
        assert {check.at_level_for(profile).level for check in raised} == {level}
