"""What a run would do: which checks run, which are skipped and why, what it costs, breaks and leaves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from createflow.scenarios.conformance.run import AT_ONCE
from createflow.scenarios.harness.check import Check, injects_faults
from createflow.scenarios.harness.observer import Observer
from createflow.scenarios.harness.probe_set import ProbeSet, SinkUnreachable
from createflow.scenarios.outcome import NotDeclared
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile

COSTS_FILE = "typical_costs.json"
_STEP_OF_FLOODS = Step.RATE_LIMIT


class Cost(NamedTuple):
    """What a check took in a run on the bundled stack."""

    requests: int
    created: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run of these checks would do."""

    runs: tuple[Check, ...]
    skipped: Mapping[str, Sequence[Check]]
    """By the reason."""
    floods: tuple[Check, ...]
    """They send as much as the limit lets through, and more."""
    breaks: tuple[Check, ...]
    """They inject the faults of the profile."""
    cost: Cost
    """Of those that run, as measured on the bundled stack."""
    leaves: str


def plan_of(probes: ProbeSet, checks: Sequence[Check]) -> Plan:
    """What a run would do to the target of these probes, which are open.

    A check that finds only while it runs that it has nothing to try is among those that run.
    """
    profile = probes.profile
    runs: list[Check] = []
    skipped: dict[str, list[Check]] = {}
    for number, check in enumerate(checks):
        try:
            probes.arguments(check, probes.target_for(check, number), number)
        except (NotDeclared, SinkUnreachable) as reason:
            skipped.setdefault(str(reason), []).append(check)
        else:
            runs.append(check)
    costs = typical_costs()
    known = {check: costs[check.id] for check in runs if check.id in costs}
    return Plan(
        runs=tuple(runs),
        skipped=dict(sorted(skipped.items(), key=lambda entry: -len(entry[1]))),
        floods=tuple(one for one in runs if one.step is _STEP_OF_FLOODS and not isinstance(one, Observer)),
        breaks=tuple(one for one in runs if injects_faults(profile, [one])),
        cost=Cost(
            sum(cost.requests for cost in known.values()),
            sum(cost.created for cost in known.values()),
            sum(cost.seconds / (1 if check.disturbs else AT_ONCE) for check, cost in known.items()),
        ),
        leaves=_what_stays(profile),
    )


@cache
def typical_costs() -> Mapping[str, Cost]:
    """By check id. ``python benchmarks/typical_costs.py REPORT`` writes them from a run's JSON report."""
    text = files("createflow.scenarios.conformance").joinpath(COSTS_FILE).read_text(encoding="utf-8")
    return {name: Cost(*cost) for name, cost in json.loads(text).items()}


def _what_stays(profile: Profile) -> str:
    kept = sum(request.remove is None and request.method != "GET" for request in profile.setup)
    also = f", and what {kept} set-up requests without `remove` make" if kept and not profile.teardown else ""
    return _what_creates_leave(profile) + also


def _what_creates_leave(profile: Profile) -> str:
    if profile.target.cleanup:
        return "audit entries and events; the resources are deleted (target.cleanup)"
    return "every resource that it creates, with its audit entries and events; target.cleanup = true deletes them"
