"""A refusal means what the profile says it means."""

from createflow.scenarios.target.reply import CONTRACT, Refusals
from createflow.schemas.profile_target import Errors


def test_without_a_word_of_the_profile_statuses_are_those_of_the_contract() -> None:
    """And others are only themselves."""
    assert CONTRACT.has_meaning(400, 400, None)
    assert not CONTRACT.has_meaning(400, 422, None)
    assert CONTRACT.has_meaning(418, 418, None)
    assert CONTRACT.describe(401) == "401"


def test_what_neither_profile_nor_contract_says_is_as_free_as_the_standard_leaves_it() -> None:
    """RFC 9110 §15.5.21 has 422 for content that is understood and not valid. What is declared counts alone."""
    free = Refusals(Errors(), is_promised=False)
    assert free.has_meaning(400, 422, None)
    assert free.has_meaning(404, 410, None)
    assert not free.has_meaning(401, 403, None)
    assert free.describe(400) == "400 or 422"
    declared = Refusals(Errors.model_validate({"statuses": {"validation": 400}}), is_promised=False)
    assert not declared.has_meaning(400, 422, None)


def test_declared_statuses_stand_in_the_place_of_those_of_the_contract() -> None:
    """The contract's own is then no longer good."""
    refusals = Refusals(Errors.model_validate({"statuses": {"validation": 422, "unauthenticated": [401, 403]}}))
    assert refusals.has_meaning(400, 422, None)
    assert not refusals.has_meaning(400, 400, None)
    assert refusals.has_meaning(401, 403, None)
    assert refusals.describe(401) == "401 or 403"


def test_one_status_is_told_apart_by_its_code() -> None:
    """A reply without the code does not mean it."""
    errors = Errors.model_validate(
        {"statuses": {"conflict": 400}, "code": "/error/code", "codes": {"validation": "bad", "conflict": ["dup", "9"]}}
    )
    refusals = Refusals(errors)
    assert refusals.has_meaning(409, 400, {"error": {"code": 9}})
    assert not refusals.has_meaning(409, 400, {"error": {"code": "bad"}})
    assert refusals.has_meaning(400, 400, {"error": {"code": "bad"}})
    assert not refusals.has_meaning(400, 400, None)
    assert refusals.describe(409) == "400 with the code dup or 9"
