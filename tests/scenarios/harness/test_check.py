"""A declaration holds what the report and the runner need, and runs nothing."""

from typing import get_args

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.harness.check import Need, Parameter, check, select
from createflow.scenarios.sinks.sink import Cache
from createflow.scenarios.target.probes import Target
from createflow.schemas.error import UserError
from createflow.schemas.flow import Step
from createflow.schemas.profile import FaultName, Profile
from createflow.schemas.profile_promises import Promises
from createflow.schemas.report import Level


async def something_holds(target: Target, cache: Cache | None) -> None:
    """Something holds.

    Why: because.
    """


def test_a_check_is_what_its_function_and_decorator_say() -> None:
    """Id from step and name, promise from the docstring, needs from the signature."""
    declared = check(step=Step.VALIDATION, source="RFC 1", level=Level.MAY)(something_holds)
    assert declared.id == "validation.something_holds"
    assert (declared.title, declared.explanation) == ("Something holds.", "Why: because.")
    assert declared.parameters == {
        "target": Parameter(Target, is_optional=False),
        "cache": Parameter(Cache, is_optional=True),
    }
    assert declared.level is Level.MAY


def test_a_check_without_a_promise_is_no_check() -> None:
    """The first line of the docstring is shown to users."""

    async def silent() -> None:
        pass

    with pytest.raises(TypeError, match="says what the target must do"):
        check(step=Step.RESPONSE, source="x")(silent)


@pytest.mark.parametrize("need", list(Need))
def test_every_need_can_be_met_and_missed(need: Need) -> None:
    """A need that is always met would skip nothing; one that never is would skip everything."""
    bare = Profile.model_validate({"target": {"base_url": "http://x"}})
    commands = {"inject": ["a"], "heal": ["b"]}
    full = Profile.model_validate(
        {
            "target": {
                "base_url": "https://x",
                "update": True,
                "delete": True,
                "idempotency": True,
                "unique_name": True,
                "private": True,
                "owned": True,
                "max_body_bytes": 5,
            },
            "limits": {"rate_per_s": 1, "burst": 1},
            "promises": dict.fromkeys(Promises.model_fields, True),
            "sinks": {"audit": {"dsn": "postgresql://x", "by_id": "select", "changes": True}},
            "faults": dict.fromkeys(
                get_args(FaultName),
                commands,
            ),
        }
    )
    assert not need.met_by(bare)
    assert need.met_by(full)


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
    with pytest.raises(UserError, match="every selected check is skipped"):
        select(CHECKS, ["rate_limit"], ["rate"])
