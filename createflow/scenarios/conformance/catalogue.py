"""What `createflow run` can run: every check and every observer, in the order of the flow."""

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.harness.check import Check
from createflow.scenarios.observers import OBSERVERS
from createflow.schemas.flow import Step

CATALOGUE: tuple[Check, ...] = tuple(entry for step in Step for entry in (*CHECKS, *OBSERVERS) if entry.step is step)
"""Within a step, the observers follow the checks."""
