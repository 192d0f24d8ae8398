"""Every observer fails on the defect that it names in ``catches``, by the requests that it makes itself."""

import asyncio

import pytest

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.registry import find_defect
from createflow.reference_server.gateway import openapi
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.observer import Observer
from createflow.scenarios.observers import OBSERVERS
from createflow.schemas.report import Outcome, RunReport
from tests.e2e.seeded_reference import seeded
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.up_stack import UpCommand

PAIRS = [(observer, find_defect(name)) for observer in OBSERVERS for name in observer.catches]


async def _observed(stack: UpCommand, observers: list[Observer], defect: Defect | None) -> RunReport:
    document = stack.state / "openapi.json"
    document.write_bytes(openapi.text())
    async with seeded(stack, defect, low_limit=True) as profile:
        target = profile.target.model_copy(update={"openapi_file": str(document)})
        documented = profile.model_copy(update={"target": target})
        return await conformance(documented, observers, source="test", progress=QuietProgress())


TRIES = 3
"""A busy machine may send too slowly to exceed the rate limit, and then there is nothing to look at."""


@pytest.mark.many(one_in=2)
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].id}-{pair[1].name}")
def test_an_observer_fails_on_its_defect(stack: UpCommand, pair: tuple[Observer, Defect]) -> None:
    """The finding shows exchanges, and says in how many of them it was seen."""
    observer, defect = pair
    for _ in range(TRIES):
        (result,) = asyncio.run(_observed(stack, [observer], defect)).results
        if result.outcome is not Outcome.INCONCLUSIVE:
            break
    assert result.outcome is Outcome.FAILED, result
    assert result.finding is not None
    assert result.finding.exchanges
    assert " exchanges)" in result.finding.seen


def test_observers_are_silent_on_the_sound_reference(stack: UpCommand) -> None:
    """Each has seen something, and says nothing."""
    report = asyncio.run(_observed(stack, list(OBSERVERS), None))
    assert [result for result in report.results if result.outcome is not Outcome.PASSED] == []


def test_every_observer_names_a_defect() -> None:
    """So that each is seen to fail."""
    assert all(observer.catches for observer in OBSERVERS)
