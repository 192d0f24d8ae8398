"""What a source leaves free is no fault: not alone, and not together with other liberties."""

import asyncio
from collections.abc import Sequence

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.observer import Observer
from createflow.scenarios.observers import OBSERVERS
from createflow.schemas.report import CheckResult, Level, Outcome
from tests.scenarios.checks.liberties.lawful_run import run
from tests.scenarios.checks.liberties.liberty import Group, packed
from tests.scenarios.checks.liberties.table import LIBERTIES

LEAST = 80
GENERATED = {"validation.generated_bodies_come_back", "validation.generated_mistakes_are_400"}
"""Slow, and no liberty is about them alone: ``test_lawful_targets`` has them with ten schemas."""
TRIED = [check for check in (*CHECKS, *OBSERVERS) if check.id not in GENERATED]
WITHOUT: dict[str, str] = {
    "load_balancer": "TLS and gateways: what is checked is a MUST, or needs a fault that the profile declares",
    "transaction": "what a refusal leaves is compared with nothing: there is no freedom",
    "publish_event": "the profile declares the stream, the subjects and every pointer",
    "audit_log": "the profile declares the query and its columns",
    "write_primary": "the profile declares the query and its columns",
    "index_update": "the profile declares the index",
}
"""Why nothing is free in a step."""


def _accused(results: Sequence[CheckResult], should: set[str]) -> list[str]:
    wrong = {Outcome.FAILED, Outcome.BROKEN}
    return [
        f"{result.id}: {result.finding.expected + ' | ' + result.finding.seen if result.finding else result.reason}"
        for result in results
        if result.outcome in wrong and not (result.level is not Level.MUST and result.id in should)
    ]


def _of(names: Sequence[str]) -> list[Check]:
    """The checks that could take one of these liberties for a fault."""
    beginnings = tuple(f"{step}." for name in names for step in LIBERTIES[name].steps)
    return [check for check in TRIED if check.id.startswith(beginnings) or isinstance(check, Observer)]


def _results(group: Group, checks: Sequence[Check]) -> list[CheckResult]:
    report = asyncio.run(run(group.service, checks, sections=group.sections, schema=group.schema, front=group.front))
    return list(report.results)


GROUPS = packed(LIBERTIES, seed=1)


@pytest.mark.many(one_in=2)
@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_liberties_taken_together_are_no_faults(number: int) -> None:
    """Each of all liberties, with others that do not contradict it."""
    group = GROUPS[number]
    results = _results(group, _of(group.names) if group.is_closed else TRIED)
    assert _accused(results, group.should) == [], group.names
    assert sum(result.outcome is Outcome.PASSED for result in results) > 30 or group.is_closed


@pytest.mark.thorough
@pytest.mark.parametrize("name", LIBERTIES)
def test_a_liberty_alone_is_no_fault(name: str) -> None:
    """With the checks that could take it for one."""
    liberty = LIBERTIES[name]
    group = Group()
    assert group.takes(name, liberty)
    results = _results(group, _of([name]))
    assert _accused(results, group.should) == []


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(2, 6))
def test_other_combinations_are_no_faults(seed: int) -> None:
    """Another seed puts others together."""
    for group in packed(LIBERTIES, seed=seed):
        assert _accused(_results(group, TRIED), group.should) == [], group.names


def test_every_step_has_a_liberty_or_a_reason() -> None:
    """At least eighty, each in a group, and each names steps that exist."""
    steps = {check.step.value for check in (*CHECKS, *OBSERVERS)}
    named = {step for liberty in LIBERTIES.values() for step in liberty.steps}
    assert len(LIBERTIES) >= LEAST
    assert sorted(name for group in GROUPS for name in group.names) == sorted(LIBERTIES)
    assert named <= steps
    assert steps - named == set(WITHOUT)
