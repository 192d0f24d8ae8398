"""Every check fails on the defect that it names in ``catches``, and every defect is caught by a check."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.registry import DEFECTS, find_defect
from createflow.reference_server.defects.seeds import ChangeCertificate, ChangeReplicas, ChangeTables
from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import Check, Need
from createflow.scenarios.harness.outage import Outage
from createflow.schemas.flow import Step, Tier
from createflow.schemas.profile import Profile
from createflow.schemas.report import CheckResult, Outcome
from tests.e2e.seeded_reference import BEHIND, seeded, send_to_backend
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.up_stack import UpCommand, start_up_command, stop_up_command

WRITING_STEPS = {Step.BUSINESS_LOGIC, Step.WRITE_PRIMARY}
ONLY_AT_START = (ChangeCertificate, ChangeReplicas, ChangeTables)
ON_REQUEST = {
    "auth_check.others_resource_is_as_missing": "--private",
    "business_logic.one_of_many_creates_of_a_name_wins": "--unique-names",
    "business_logic.update_to_a_taken_name_is_refused": "--unique-names",
    "business_logic.deleted_name_is_free": "--unique-names",
    "business_logic.renamed_name_is_free": "--unique-names",
    "business_logic.unconditional_update_is_428": "--conditional-updates",
}
"""The option of ``createflow up`` that promises what a check needs, with which its stack is started."""
ALL_PAIRS = [(check, find_defect(name)) for check in CHECKS for name in check.catches]
PAIRS = [pair for pair in ALL_PAIRS if pair[0].id not in ON_REQUEST]


SHAPES: dict[str, tuple[str, ...]] = {"watermark_not_announced": ("--services", "2")}
"""The options of the stack without which a defect does not show."""


def _kills(check: Check) -> bool:
    """Whether it kills services or the broker: those must be the stack's own, started with the defect."""
    return Need.SERVICE_DOWN in check.needs or any(one.role is Outage for one in check.parameters.values())


def _is_of_the_stack(check: Check, defect: Defect) -> bool:
    """Whether the stack itself must have the defect."""
    return (
        check.id in ON_REQUEST
        or defect.name in SHAPES
        or (defect.seed.process in BEHIND and _kills(check))
        or isinstance(defect.seed, ONLY_AT_START)
    )


OF_THE_STACK = [pair for pair in ALL_PAIRS if _is_of_the_stack(*pair)]
AT_THE_GATEWAY = [pair for pair in ALL_PAIRS if pair[1].seed.process not in BEHIND and pair not in OF_THE_STACK]
BEHIND_IT = [pair for pair in ALL_PAIRS if pair[1].seed.process in BEHIND and pair not in OF_THE_STACK]


def _marked(pairs: list[tuple[Check, Defect]]) -> list[Any]:
    """The first defect of a check is tried every time; the others, which take many minutes, by ``make thorough``."""

    def is_quick(check: Check, defect: Defect) -> bool:
        is_slow = isinstance(defect.seed, ChangeReplicas) or (defect.seed.process in BEHIND and _kills(check))
        return check.catches[0] == defect.name and not is_slow

    return [pair if is_quick(*pair) else pytest.param(pair, marks=pytest.mark.thorough) for pair in pairs]


def _named(pair: tuple[Check, Defect]) -> str:
    return f"{pair[0].id}-{pair[1].name}"


def test_no_defect_goes_uncaught() -> None:
    """Every registered defect is named by a check or an observer, and every name in ``catches`` is registered."""
    assert {name for check in CATALOGUE for name in check.catches} == set(DEFECTS)


@pytest.mark.many(one_in=6)
@pytest.mark.parametrize("pair", _marked(AT_THE_GATEWAY), ids=_named)
def test_a_check_fails_on_a_defect_of_the_gateway(stack: UpCommand, pair: tuple[Check, Defect]) -> None:
    """The defect is seeded into the gateway only, and the check fails."""
    check, defect = pair
    result = asyncio.run(_result(stack, check, defect, behind=False))
    assert result.outcome is Outcome.FAILED, _describe(result)


@pytest.fixture(scope="module")
def stack_without_backend(stack: UpCommand) -> Iterator[UpCommand]:
    """The stack without its own service and worker, so that the seeded ones get all requests."""
    asyncio.run(send_to_backend(stack, "kill"))
    yield stack
    asyncio.run(send_to_backend(stack, "start"))


@pytest.mark.many(one_in=6)
@pytest.mark.parametrize("pair", _marked(BEHIND_IT), ids=_named)
def test_a_check_fails_on_a_defect_behind_the_gateway(
    stack_without_backend: UpCommand, pair: tuple[Check, Defect]
) -> None:
    """The defect is seeded into the service or the worker, and the check fails."""
    check, defect = pair
    result = asyncio.run(_result(stack_without_backend, check, defect, behind=True))
    assert result.outcome is Outcome.FAILED, _describe(result)


@pytest.mark.many(one_in=6)
@pytest.mark.parametrize("pair", _marked(OF_THE_STACK), ids=_named)
def test_a_check_fails_on_a_defect_of_the_stack(tmp_path: Path, pair: tuple[Check, Defect]) -> None:
    """The stack is started with the defect, and the check fails."""
    check, defect = pair
    tmp_path.chmod(0o711)
    options = [*([ON_REQUEST[check.id]] if check.id in ON_REQUEST else []), *SHAPES.get(defect.name, ())]
    up = start_up_command(tmp_path, "--defect", defect.name, *options)
    try:
        result = asyncio.run(_run(up.profile, check))
    finally:
        assert stop_up_command(up) == 0
    assert result.outcome is Outcome.FAILED, _describe(result)


@pytest.mark.thorough
def test_the_same_parts_without_a_defect_pass(stack_without_backend: UpCommand) -> None:
    """The same processes pass every check when no defect is seeded: so the defect makes the checks fail."""
    needing_real_processes = {
        "service_router.service_down_is_503",
        "response.six_refusals_are_told_apart",
        "load_balancer.no_gateway_is_503",
        # The seeded gateway has no balancer with TLS before it.
        *(check.id for check, _ in PAIRS if Need.HTTPS in check.needs or _kills(check)),
    }
    checks = [check for check in dict(PAIRS) if check.id not in needing_real_processes]

    async def run(chosen: list[Check], *, low_limit: bool = False) -> tuple[CheckResult, ...]:
        async with seeded(stack_without_backend, None, behind=True, low_limit=low_limit) as profile:
            report = await conformance(profile, chosen, source="test", progress=QuietProgress())
            return report.results

    # One tier after the other: all at once are more than one gateway and one service without a balancer can do.
    of_limits = [check for check in checks if check.step is Step.RATE_LIMIT]
    results = list(asyncio.run(run(of_limits, low_limit=True)))
    for tier in Tier:
        chosen = [check for check in checks if check.step.tier is tier and check not in of_limits]
        results += asyncio.run(run(chosen))
    assert len(results) == len(checks)
    problems = [_describe(result) for result in results if result.outcome is not Outcome.PASSED]
    assert not problems, "\n".join(problems)


async def _result(stack: UpCommand, check: Check, defect: Defect, *, behind: bool) -> CheckResult:
    async with seeded(stack, defect, behind=behind) as profile:
        return await _run(profile, check)


async def _run(profile: Profile, check: Check) -> CheckResult:
    """A check that looks at everything at the end needs checks that write, and that are refused."""
    writing = [other for other in CHECKS if other.step in WRITING_STEPS and not other.at_end and not other.disturbs]
    checks = [*writing, check] if check.at_end else [check]
    # Without ``repeats``: what an earlier check of the sample has seen must be seen at the end too.
    report = await conformance(
        profile, [replace(one, repeats=()) for one in checks], source="test", progress=QuietProgress()
    )
    return next(result for result in report.results if result.id == check.id)


def _describe(result: CheckResult) -> str:
    return f"{result.id}: {result.outcome.value} {result.reason} {result.finding or ''}\n{result.traceback}"
