"""How a check is declared: text in the docstring, needs in the signature, data in the decorator."""

import inspect
import types
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Union, get_args, get_origin, get_type_hints

from createflow.scenarios.harness.need import Need
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

CheckFunction = Callable[..., Awaitable[None]]

DEFAULT_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Parameter:
    """One probe that a check asks for by its role.

    ``optional`` probes are handed over as ``None`` when the profile declares none.
    """

    role: type
    optional: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A declared check. The id is permanent: ``step.function``."""

    id: str
    step: Step
    level: Level
    source: str
    title: str
    """The promise, one sentence."""
    explanation: str
    """The rest of the docstring: why it matters."""
    function: CheckFunction
    catches: str | None
    needs: tuple[Need, ...]
    disturbs: bool
    """It breaks or exhausts something that others use: it runs alone, after them."""
    limit_s: float
    parameters: dict[str, Parameter] = field(default_factory=dict, hash=False)


def check(
    *,
    step: Step,
    source: str,
    level: Level = Level.MUST,
    catches: str | None = None,
    needs: tuple[Need, ...] = (),
    disturbs: bool = False,
    limit_s: float = DEFAULT_LIMIT_S,
) -> Callable[[CheckFunction], Check]:
    """Record a coroutine function as a check; nothing runs and nothing is registered anywhere else.

    Args:
        step: the step of the flow whose promise is checked.
        source: RFC section, or ``seed`` with its heading.
        level: only ``must`` gates.
        catches: name of the seeded defect of the reference that makes it fail; tests prove it.
        needs: facts of the profile without which it is skipped.
        disturbs: run it alone, after the others.
        limit_s: after this many seconds it is stopped and broken.
    """

    def record(function: CheckFunction) -> Check:
        name = getattr(function, "__name__", "")
        title, _, explanation = inspect.cleandoc(function.__doc__ or "").partition("\n")
        if not title:
            raise TypeError(f"{name}: a check promises something in the first line of its docstring")
        return Check(
            id=f"{step.value}.{name}",
            step=step,
            level=level,
            source=source,
            title=title,
            explanation=explanation.strip(),
            function=function,
            catches=catches,
            needs=needs,
            disturbs=disturbs,
            limit_s=limit_s,
            parameters=_parameters(function),
        )

    return record


def _parameters(function: CheckFunction) -> dict[str, Parameter]:
    hints = get_type_hints(function)
    return {name: _parameter(hints[name]) for name in inspect.signature(function).parameters}


def _parameter(hint: Any) -> Parameter:
    if get_origin(hint) in {Union, types.UnionType}:
        (role,) = [part for part in get_args(hint) if part is not types.NoneType]
        return Parameter(role, optional=True)
    return Parameter(hint, optional=False)
