"""A refusal means what the profile says it means."""

from createflow.scenarios.target.refusals import SEED, Refusals
from createflow.schemas.profile import Errors


def test_without_a_word_of_the_profile_statuses_are_the_seeds() -> None:
    """And others are only themselves."""
    assert SEED.meant(400, 400, None)
    assert not SEED.meant(400, 422, None)
    assert SEED.meant(418, 418, None)
    assert SEED.told(401) == "401"


def test_declared_statuses_stand_in_the_place_of_the_seeds() -> None:
    """The seed's own is then no longer good."""
    refusals = Refusals(Errors.model_validate({"statuses": {"validation": 422, "unauthenticated": [401, 403]}}))
    assert refusals.meant(400, 422, None)
    assert not refusals.meant(400, 400, None)
    assert refusals.meant(401, 403, None)
    assert refusals.told(401) == "401 or 403"


def test_one_status_is_told_apart_by_its_code() -> None:
    """A reply without the code does not mean it."""
    errors = Errors.model_validate(
        {"statuses": {"conflict": 400}, "code": "/error/code", "codes": {"validation": "bad", "conflict": ["dup", "9"]}}
    )
    refusals = Refusals(errors)
    assert refusals.meant(409, 400, {"error": {"code": 9}})
    assert not refusals.meant(409, 400, {"error": {"code": "bad"}})
    assert refusals.meant(400, 400, {"error": {"code": "bad"}})
    assert not refusals.meant(400, 400, None)
    assert refusals.told(409) == "400 with the code dup or 9"
