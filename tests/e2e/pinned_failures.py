"""What fails on each seeded defect: the run, and the table that pins it.

The table ``pinned_failures.json`` has every defect beside those of the stack, which ``test_every_check_bites`` tries.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from unittest import mock

from createflow.reference_server.defects.defect import Defect
from createflow.scenarios.checks.api.response import reads
from createflow.scenarios.checks.data import replicate
from createflow.scenarios.checks.support.copies import compare_spread
from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness import write_sample
from createflow.scenarios.harness.check import Check, Lane
from createflow.scenarios.target.probes import Faults
from createflow.schemas.flow import Step, Tier
from createflow.schemas.profile import Profile
from createflow.schemas.report import Outcome, RunReport
from tests.e2e.seeded_reference import BEHIND, seeded
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.up_stack import UpCommand

TABLE = Path(__file__).with_name("pinned_failures.json")
_SLOW = ("validation.generated_", "response.six_refusals", "auth_check.seen_token_ends")
"""They take seconds each. What they see, others see as well, or it is tried by ``test_every_check_bites``."""
_LOW = Step.RATE_LIMIT
_BY_CHANCE = re.compile(r"\bone\b.*\bin\b|same time|concurrent|overlap|meanwhile|together", re.IGNORECASE)
_FEW = 12
"""Writes of each kind; every combination of what the sample varies is among them."""
_FEW_LOOKS = 100
"""At the end of a run, at each store."""
_AT_THE_DOOR = {Step.HTTPS_REQUEST, Step.LOAD_BALANCER, Step.AUTH_CHECK}
_LOOKS_BEHIND = {"auth_check.others_may_not_change", "auth_check.every_role_counts"}
_OF_TOKENS_AND_BODIES = {Step.AUTH_CHECK, Step.VALIDATION}
ON_A_BUSY_MACHINE = {
    "response.created_at_is_now": "tester and gateway share one event loop here, and its Date header comes of a timer",
    "service_router.no_unexplained_server_error": "the loop answers the service too late, and the breaker opens",
    "write_primary.rows_match_writes_at_the_end": "a create that was answered 503 so may have been carried out",
}
"""They may fail on any defect, where the machine is too busy for one loop of tester, gateway and service."""


@dataclass(frozen=True)
class Pinned:
    """What fails on one defect."""

    fails: frozenset[str]
    """In every run."""
    may: dict[str, str]
    """In some runs, each with the reason. ``*`` at the end of a name is any check that begins so."""
    why: dict[str, str]
    """Why a check that does not name the defect fails as well."""

    def besides(self, checks: frozenset[str]) -> frozenset[str]:
        """Those of the checks that need not fail in every run, but may."""
        return frozenset(one for one in checks - self.fails if any(fnmatchcase(one, name) for name in self.may))


def table() -> dict[str, Pinned]:
    """By the names of the defects."""
    document = json.loads(TABLE.read_text(encoding="utf-8"))
    return {
        name: Pinned(
            frozenset(one["fails"]),
            {
                **{check: why for check, why in ON_A_BUSY_MACHINE.items() if check not in one["fails"]},
                **one.get("may", {}),
            },
            one.get("why", {}),
        )
        for name, one in document.items()
    }


def checks_for(defect: Defect) -> list[Check]:
    """All that can run against one gateway without a balancer, whose processes cannot be killed.

    Without those that a defect cannot reach: what a sound gateway refuses by itself never gets behind it, and where the
    gateway is wrong about tokens or bodies that the other checks do not send, those of the API are asked.
    """
    is_behind = defect.seed.process in {*BEHIND, "database"}

    def is_out_of_reach(check: Check) -> bool:
        if is_behind:
            return check.step in _AT_THE_DOOR and check.id not in _LOOKS_BEHIND
        return defect.step in _OF_TOKENS_AND_BODIES and check.step.tier is not Tier.API

    def is_tried(check: Check) -> bool:
        has_faults = any(one.role is Faults and not one.is_optional for one in check.parameters.values())
        is_of_rate = check.lane is Lane.RATE or check.step is _LOW
        is_left_out = has_faults or check.id.startswith(_SLOW)
        is_left_out = is_left_out or (defect.name not in check.catches and is_out_of_reach(check))
        return not is_left_out and is_of_rate is (defect.step is _LOW)

    return [check for check in CATALOGUE if is_tried(check)]


@contextmanager
def sample_for(defect: Defect) -> Iterator[None]:
    """A sample of fewer writes and looks, where the defect is in each write of its kind: few show it as well."""
    with ExitStack() as scope:
        if not _BY_CHANCE.search(defect.breaks):
            scope.enter_context(mock.patch.object(write_sample, "_EACH", _FEW))
            scope.enter_context(mock.patch.object(replicate, "_CREATES", _FEW))
            scope.enter_context(mock.patch.object(reads, "_MOST_READ", _FEW_LOOKS))
            scope.enter_context(mock.patch.dict(compare_spread.__kwdefaults__, most=_FEW_LOOKS))
        yield


async def report_on(up: UpCommand, defect: Defect) -> RunReport:
    """The report of a run of them all against the reference with the defect."""
    async with seeded(up, defect, behind=defect.seed.process in BEHIND, is_patient=True) as profile:
        with sample_for(defect):
            return await conformance(
                _without_faults(profile), checks_for(defect), source="test", progress=QuietProgress()
            )


def failed(report: RunReport) -> frozenset[str]:
    """The ids of the checks that accuse."""
    return frozenset(one.id for one in report.results if one.outcome in {Outcome.FAILED, Outcome.BROKEN})


def _without_faults(profile: Profile) -> Profile:
    """Its commands are for the processes of the stack, and these are others."""
    return profile.model_copy(update={"faults": {}})
