"""Sixteen steps, one vocabulary: checks, stages and the list of steps name the same things."""

from pathlib import Path

import createflow
from createflow.scenarios.checks import CHECKS, MODULES
from createflow.schemas.flow import Step

ROOT = Path(createflow.__file__).parent
EXPECTED = {f"{step.tier.value}/{step.value}.py" for step in Step}


TIERS = {step.tier.value for step in Step}


def files_in(folder: Path) -> set[str]:
    """The modules and packages of the tiers' folders, named as files."""
    packages = {f"{path.parent.parent.name}/{path.parent.name}.py" for path in folder.glob("*/*/__init__.py")}
    modules = {f"{path.parent.name}/{path.name}" for path in folder.glob("*/*.py") if path.name != "__init__.py"}
    return {name for name in packages | modules if name.partition("/")[0] in TIERS}


def test_there_are_sixteen_steps() -> None:
    """As the seed counts them."""
    assert [step.number for step in Step] == list(range(1, 17))


def test_every_step_has_its_module_of_checks_and_its_stage() -> None:
    """Compared by file name: the tester does not import the reference."""
    assert files_in(ROOT / "scenarios" / "checks") == EXPECTED
    assert files_in(ROOT / "reference_server" / "stages") == EXPECTED


def test_the_list_of_modules_is_the_flow_in_order() -> None:
    """The list is written by hand; this is what holds it to the steps."""
    assert [module.__name__.rpartition(".")[2] for module in MODULES] == [step.value for step in Step]


def test_every_step_is_checked_and_every_check_stands_with_its_step() -> None:
    """An id says where the check is."""
    assert {check.step for check in CHECKS} == set(Step)
    for module in MODULES:
        step = module.__name__.rpartition(".")[2]
        found = [check for check in CHECKS if f"{check.function.__module__}.".startswith(f"{module.__name__}.")]
        assert {check.step.value for check in found} == {step}
    assert len({check.id for check in CHECKS}) == len(CHECKS)


def test_every_promise_is_a_sentence() -> None:
    """The title is what a report shows as promised."""
    for check in CHECKS:
        assert check.title.endswith("."), check.id
        assert check.source, check.id
