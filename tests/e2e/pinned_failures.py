"""What fails on each seeded defect: the run, and the table that pins it.

The table ``pinned_failures.json`` grows: what is not in it yet is counted by ``test_pinned_failures``.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from createflow.reference_server.defects.defect import Defect
from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import Check, Lane
from createflow.scenarios.target.probes import Faults
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile
from createflow.schemas.report import Outcome, RunReport
from tests.e2e.seeded_reference import BEHIND, seeded
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.up_stack import UpCommand

TABLE = Path(__file__).with_name("pinned_failures.json")
_SLOW = ("validation.generated_", "response.six_refusals", "auth_check.seen_token_ends")
"""They take seconds each. What they see, others see as well, or it is tried by ``test_every_check_bites``."""
_LOW = Step.RATE_LIMIT
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
    """In some runs, each with the reason."""
    why: dict[str, str]
    """Why a check that does not name the defect fails as well."""


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
    """All that can run against one gateway without a balancer, whose processes cannot be killed."""

    def is_tried(check: Check) -> bool:
        has_faults = any(one.role is Faults and not one.is_optional for one in check.parameters.values())
        is_of_rate = check.lane is Lane.RATE or check.step is _LOW
        return not has_faults and not check.id.startswith(_SLOW) and is_of_rate is (defect.step is _LOW)

    return [check for check in CATALOGUE if is_tried(check)]


async def report_on(up: UpCommand, defect: Defect) -> RunReport:
    """The report of a run of them all against the reference with the defect."""
    async with seeded(up, defect, behind=defect.seed.process in BEHIND) as profile:
        return await conformance(_without_faults(profile), checks_for(defect), source="test", progress=QuietProgress())


def failed(report: RunReport) -> frozenset[str]:
    """The ids of the checks that accuse."""
    return frozenset(one.id for one in report.results if one.outcome in {Outcome.FAILED, Outcome.BROKEN})


def _without_faults(profile: Profile) -> Profile:
    """Its commands are for the processes of the stack, and these are others."""
    return profile.model_copy(update={"faults": {}})
