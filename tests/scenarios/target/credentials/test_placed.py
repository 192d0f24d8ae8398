"""A token in the query or in a cookie, whatever kind issues it."""

import asyncio
from typing import Any

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.target.credentials.registry import auth_provider
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Profile
from createflow.schemas.report import Outcome
from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.lawful_run import run

_ALL = [check for check in CHECKS if not check.disturbs and not check.waits]
_FEW_IDS = {
    *("response.create_is_201", "auth_check.missing_token_is_401", "auth_check.expired_token_is_401"),
    *("auth_check.read_only_role_is_403", "auth_check.other_scheme_is_401"),
}
_FEW = [check for check in CHECKS if check.id in _FEW_IDS]


@pytest.mark.parametrize("checks", [_FEW, pytest.param(_ALL, marks=pytest.mark.thorough)], ids=["few", "all"])
@pytest.mark.parametrize("place", ["query", "cookie"])
def test_a_token_that_is_minted_is_sent_there(place: str, checks: Any) -> None:
    """A service that reads it there is told nothing; what is about the header is skipped."""
    auth = {"kind": "jwt", "sent_in": place, "sent_as": "access"}
    report = asyncio.run(run(Habits(), checks, sections={"auth": auth}))
    results = {one.id: one for one in report.results}
    assert {name for name, one in results.items() if one.outcome.value not in {"passed", "skipped"}} == set()
    assert results["response.create_is_201"].outcome is Outcome.PASSED
    assert "no bearer token in Authorization" in results["auth_check.other_scheme_is_401"].reason


def test_a_static_token_is_sent_there() -> None:
    """As one of the environment."""
    auth = {"kind": "static", "writer_env": "T", "sent_in": "query", "sent_as": "access_token"}
    profile = Profile.model_validate({"target": {"base_url": "http://x"}, "auth": auth})
    tokens = auth_provider(profile.auth, Mask(), {"T": "t 1"}).tokens("")
    assert tokens is not None
    who = tokens.writer()
    assert (who.placed("/a"), who.lines()) == ("/a?access_token=t%201", {})


@pytest.mark.parametrize(
    ("auth", "headers", "told"),
    [
        ({"sent_in": "query"}, {}, "sent_as names a parameter"),
        ({"sent_as": "x"}, {}, "sent_as names a parameter"),
        ({"sent_in": "cookie", "sent_as": "x"}, {"Cookie": "a=b"}, "target.headers has a Cookie"),
    ],
)
def test_a_place_needs_a_name(auth: dict[str, str], headers: dict[str, str], told: str) -> None:
    """And a cookie a header of its own."""
    target = {"base_url": "http://x", "headers": headers}
    with pytest.raises(ValueError, match=told):
        Profile.model_validate({"target": target, "auth": {"kind": "static", "writer_env": "T", **auth}})
