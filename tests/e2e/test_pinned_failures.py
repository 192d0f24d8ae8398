"""One cause, one accusation: on each seeded defect exactly the checks fail that the table names."""

import asyncio
from collections.abc import Iterator

import pytest

from createflow.reference_server.defects.registry import DEFECTS, find_defect
from createflow.scenarios.conformance.catalogue import CATALOGUE
from tests.e2e.pinned_failures import ON_A_BUSY_MACHINE, Pinned, checks_for, failed, report_on, table
from tests.e2e.seeded_reference import BEHIND, send_to_backend
from tests.e2e.test_every_check_bites import OF_THE_STACK
from tests.up_stack import UpCommand

TABLE = table()
CATCHERS = {name: {check.id for check in CATALOGUE if name in check.catches} for name in DEFECTS}
AT_THE_GATEWAY = [name for name in TABLE if find_defect(name).seed.process not in BEHIND]
BEHIND_IT = [name for name in TABLE if find_defect(name).seed.process in BEHIND]

_NEEDS_ITS_STACK = {defect.name for _, defect in OF_THE_STACK}


def test_every_defect_is_pinned() -> None:
    """A defect of the stack itself, or one that shows with its options only, is tried by ``test_every_check_bites``."""
    assert TABLE.keys() <= DEFECTS.keys()
    left = DEFECTS.keys() - TABLE.keys() - _NEEDS_ITS_STACK
    assert not left, "pin a new defect: python -m tests.e2e.measure_failures"


@pytest.mark.parametrize("name", TABLE)
def test_nothing_fails_only_where_nothing_is_tried(name: str) -> None:
    """Without a failure, the checks that name the defect need faults or processes which are not there."""
    tried = {check.id for check in checks_for(find_defect(name))}
    assert TABLE[name].fails or TABLE[name].may or not (CATCHERS[name] & tried - ON_A_BUSY_MACHINE.keys())


@pytest.mark.parametrize("name", TABLE)
def test_every_further_failure_has_its_reason(name: str) -> None:
    """A check that does not name the defect fails on it for a reason, and one that names it does not need any."""
    pinned = TABLE[name]
    tried = {check.id for check in checks_for(find_defect(name))}
    named = {name for name in pinned.may if not name.endswith("*")}
    assert pinned.fails | (named - ON_A_BUSY_MACHINE.keys()) <= tried
    assert pinned.fails - CATCHERS[name] == pinned.why.keys()
    assert not pinned.fails & pinned.may.keys()
    assert all(pinned.why.values())
    assert all(pinned.may.values())


@pytest.mark.many(one_in=80)
@pytest.mark.parametrize("name", AT_THE_GATEWAY)
def test_exactly_these_fail_on_a_defect_at_the_gateway(stack: UpCommand, name: str) -> None:
    """Or at the balancer or in the database."""
    _expect(stack, name, TABLE[name])


@pytest.fixture(scope="module")
def stack_without_backend(stack: UpCommand) -> Iterator[UpCommand]:
    """The stack without its own service and worker, so that the seeded ones get all requests."""
    asyncio.run(send_to_backend(stack, "kill"))
    yield stack
    asyncio.run(send_to_backend(stack, "start"))


@pytest.mark.many(one_in=80)
@pytest.mark.parametrize("name", BEHIND_IT)
def test_exactly_these_fail_on_a_defect_behind_the_gateway(stack_without_backend: UpCommand, name: str) -> None:
    """In the service or the worker."""
    _expect(stack_without_backend, name, TABLE[name])


def _expect(up: UpCommand, name: str, pinned: Pinned) -> None:
    """What a busy machine makes of a run is not there in a second one; what the defect makes of it is in each."""
    report = asyncio.run(report_on(up, find_defect(name)))
    if failed(report) - pinned.besides(failed(report)) != pinned.fails:
        report = asyncio.run(report_on(up, find_defect(name)))
    told = {
        result.id: f"{result.outcome.value}: {result.finding.seen if result.finding else result.reason}"
        for result in report.results
        if result.id in failed(report) ^ pinned.fails
    }
    assert failed(report) - pinned.besides(failed(report)) == pinned.fails, told
