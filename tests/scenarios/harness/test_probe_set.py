"""Probes are given to checks by the roles in their signatures."""

import random
import re

import pytest

from createflow.scenarios.harness.check import Check, Need, check
from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.sink import AuditTrail
from createflow.scenarios.target.probes import Callbacks, Handshakes, Issuer, RawHttp, Tokens
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile

PROFILE = Profile.model_validate({"target": {"base_url": "http://api.example.com"}})


async def _generates(seeded: random.Random) -> None:
    """Generates."""


async def _generates_other(seeded: random.Random) -> None:
    """Generates too."""


def _argument(checked: Check, seed: int = 0, profile: Profile = PROFILE) -> object:
    probes = ProbeSet(profile, "r1", Mask(), seed)
    (argument,) = probes.arguments(checked, probes.target_for(checked, 0), 0).values()
    return argument


def _first_number(checked: Check, seed: int) -> float:
    seeded = _argument(checked, seed)
    assert isinstance(seeded, random.Random)
    return seeded.random()


def test_the_same_seed_generates_the_same_for_a_check_whatever_ran_before() -> None:
    """Another seed or another check generates something else."""
    one, other = (check(step=Step.VALIDATION, source="test")(function) for function in (_generates, _generates_other))
    assert _first_number(one, 1) == _first_number(one, 1)
    assert len({_first_number(one, 1), _first_number(one, 2), _first_number(other, 1)}) == 3


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        (AuditTrail, "`sinks.audit` is not configured"),
        (Tokens, "`auth` is not configured"),
        (Issuer, "not of kind"),
        (Handshakes, "`target.base_url` is not https"),
        (Callbacks, "does not run on this machine"),
    ],
)
def test_a_skip_names_the_key_of_the_profile(role: type, reason: str) -> None:
    """A reader sees at once what to configure."""

    async def needs(probe: object) -> None:
        """Needs a probe."""

    needs.__annotations__["probe"] = role
    with pytest.raises(NotDeclared, match=reason):
        _argument(check(step=Step.AUDIT_LOG, source="test")(needs))


@pytest.mark.parametrize(
    ("role", "target", "reason"),
    [
        (Handshakes, {"base_url": "https://127.0.0.1:9", "verify_tls": False}, "`target.verify_tls` is false"),
        (RawHttp, {"base_url": "http://127.0.0.1:9", "http": "2"}, '`target.http` is "2", and raw bytes are HTTP/1.1'),
    ],
)
@pytest.mark.anyio
async def test_a_key_that_leaves_checks_out_is_named(role: type, target: dict[str, object], reason: str) -> None:
    """They would accuse a server of what the profile says."""

    async def needs(probe: object) -> None:
        """Needs a probe."""

    needs.__annotations__["probe"] = role
    with pytest.raises(NotDeclared, match=re.escape(reason)):
        _argument(check(step=Step.AUDIT_LOG, source="test")(needs), profile=Profile.model_validate({"target": target}))


@pytest.mark.parametrize(
    ("need", "reason"),
    [
        (Need.HTTPS, "`target.base_url` is not https"),
        (Need.UPDATE, "`target.update` is not configured"),
        (Need.DATABASE_FAULT, "`faults.database_error` or `faults.database_down` is not configured"),
    ],
)
def test_a_need_that_is_not_met_names_its_keys(need: Need, reason: str) -> None:
    """Before any probe is looked up."""
    declared = check(step=Step.VALIDATION, source="test", needs=(need,))(_generates)
    with pytest.raises(NotDeclared, match=f"^{reason}$"):
        _argument(declared)
