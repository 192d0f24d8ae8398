"""A declaration holds what the report and the runner need, and runs nothing."""

import pytest

from createflow.scenarios.harness.check import Parameter, check
from createflow.scenarios.harness.need import Need
from createflow.scenarios.target.probes import Cache, Target
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile
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
        "target": Parameter(Target, optional=False),
        "cache": Parameter(Cache, optional=True),
    }
    assert declared.level is Level.MAY


def test_a_check_without_a_promise_is_no_check() -> None:
    """The first line of the docstring is shown to users."""

    async def silent() -> None:
        pass

    with pytest.raises(TypeError, match="promises something"):
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
                "idempotency": True,
                "unique_name": True,
                "private": True,
                "max_body_bytes": 5,
            },
            "limits": {"rate_per_s": 1, "burst": 1},
            "faults": dict.fromkeys(
                ("database_error", "service_down", "gateway_down", "replica_down", "search_down"), commands
            ),
        }
    )
    assert not need.met_by(bare)
    assert need.met_by(full)
