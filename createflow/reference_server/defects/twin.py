"""How a twin takes the place of its healthy stage."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from createflow.reference_server.domain.job import Stage
from createflow.schemas.flow import Step

Stages = tuple[Stage, ...]
Swap = Callable[[Sequence[Stage]], Stages]
S = TypeVar("S")


def recast(stage: Any, twin: Callable[..., S]) -> S:
    """The twin with everything that the healthy stage was given."""
    return twin(**{field.name: getattr(stage, field.name) for field in fields(stage)})


def swap(step: Step, make: Callable[[Any], Stage]) -> Swap:
    """Puts what ``make`` makes of the healthy stage in its place; stages of another process stay as they are."""

    def apply(stages: Sequence[Stage]) -> Stages:
        return tuple(make(stage) if stage.step == step else stage for stage in stages)

    return apply


def twin_of(step: Step, twin: Callable[..., Stage]) -> Swap:
    """Puts the twin class in place of the healthy one."""
    return swap(step, lambda stage: recast(stage, twin))
