"""The stages of a process in the order of the flow, and their broken twins where a defect is asked for."""

from collections.abc import Sequence
from typing import Any

from createflow.reference_server.domain.job import Stage
from createflow.reference_server.pipeline import Pipeline
from createflow.reference_server.process.metrics import Metrics


def pipeline_of(stages: Sequence[Stage], order: Sequence[type[Any]], metrics: Metrics) -> Pipeline:
    """In the order that ``pipeline`` shows, twins included."""
    if [stage.step for stage in stages] != [kind.step for kind in order]:
        raise ValueError("the stages are not in the order of the flow")
    return Pipeline(stages, [metrics.step(stage.step).observe for stage in stages])
