"""The stages of a process in the order of the flow, and their broken twins where a defect is asked for."""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from createflow.reference_server.domain.job import Stage
from createflow.reference_server.pipeline import Pipeline
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.process.settings import Settings
from createflow.schemas.fault import Fault


def seeded(stages: tuple[Stage, ...], settings: Settings) -> tuple[Stage, ...]:
    """The stages, with the broken twin of one where the settings ask for it."""
    return seeding().seed(stages, Fault(settings.fault)) if settings.fault else stages


def seeding() -> ModuleType:
    """The broken twins, which a healthy process never even imports."""
    return import_module("createflow.reference_server.defects.seeding")


def pipeline_of(stages: Sequence[Stage], order: Sequence[type[Any]], metrics: Metrics) -> Pipeline:
    """In the order that ``pipeline`` shows, twins included."""
    if [stage.step for stage in stages] != [kind.step for kind in order]:
        raise ValueError("the stages are not in the order of the flow")
    return Pipeline(stages, [metrics.step(stage.step).observe for stage in stages])
