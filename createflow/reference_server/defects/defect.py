"""A seeded defect: what the server then does wrong, and how the defect is put into a process.

A check names the defect that it catches. Tests seed the defect and see the check fail, so no check passes by accident.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.job import Stage
from createflow.reference_server.domain.read_your_writes import Reader
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.schemas.flow import Step, Tier

ProcessKind = Literal["gateway", "service", "worker"]
Stages = tuple[Stage, ...]
EncodeEvent = Callable[[ResourceEvent], bytes]
S = TypeVar("S")


class NoSeed:
    """What a healthy process is built with: each method takes a part of the process and returns it unchanged."""

    def change_stages(self, healthy: Stages) -> Stages:
        """Return the stages of a gateway or a service, in the order of the flow."""
        return healthy

    def change_reader(self, healthy: Reader) -> Reader:
        """Return what a service reads resources with."""
        return healthy

    def change_event_encoder(self, healthy: EncodeEvent) -> EncodeEvent:
        """Return what encodes events, in the worker."""
        return healthy

    def change_index_update(self, healthy: IndexUpdate) -> IndexUpdate:
        """Return step 15, which runs in the worker."""
        return healthy


class Seed(NoSeed):
    """Puts a defect into a process: a subclass overrides what it changes."""

    process: ProcessKind
    """The kind of process that gets the defect."""


@dataclass(frozen=True)
class ChangeStages(Seed):
    """Changes the stages of a gateway or a service; ``change`` gets all of them and returns all of them."""

    process: ProcessKind
    change: Callable[[Stages], Stages]

    def change_stages(self, healthy: Stages) -> Stages:
        """Return what ``change`` makes of the stages."""
        return self.change(healthy)


@dataclass(frozen=True)
class ChangeReader(Seed):
    """Puts what ``change`` makes of the healthy reader in its place."""

    process = "service"
    change: Callable[[Reader], Reader]

    def change_reader(self, healthy: Reader) -> Reader:
        """Return what ``change`` makes of the reader."""
        return self.change(healthy)


@dataclass(frozen=True)
class ReplaceEventEncoder(Seed):
    """Encodes events with ``mutant``."""

    process = "worker"
    mutant: EncodeEvent

    def change_event_encoder(self, healthy: EncodeEvent) -> EncodeEvent:  # noqa: ARG002 - the base's signature
        """Return the mutant."""
        return self.mutant


@dataclass(frozen=True)
class ReplaceIndexUpdate(Seed):
    """Runs step 15 with the class ``mutant``."""

    process = "worker"
    mutant: type[IndexUpdate]

    def change_index_update(self, healthy: IndexUpdate) -> IndexUpdate:
        """Return the mutant with the healthy step's dependencies."""
        return recast(healthy, self.mutant)


@dataclass(frozen=True)
class ChangeStagesAndReader(Seed):
    """Changes the stages of a service and its reader, for a defect that needs both."""

    process = "service"
    stages: ChangeStages
    reader: ChangeReader

    def change_stages(self, healthy: Stages) -> Stages:
        """Return the changed stages."""
        return self.stages.change_stages(healthy)

    def change_reader(self, healthy: Reader) -> Reader:
        """Return the changed reader."""
        return self.reader.change_reader(healthy)


def change_stage(step: Step, change: Callable[[Any], Stage]) -> ChangeStages:
    """Put what ``change`` makes of the healthy stage of ``step`` in its place."""

    def change_all(healthy: Stages) -> Stages:
        return tuple(change(stage) if stage.step == step else stage for stage in healthy)

    return ChangeStages("gateway" if step.tier is Tier.API else "service", change_all)


def replace_stage(mutant: Any) -> ChangeStages:
    """Put the class ``mutant`` in place of the healthy stage of the same step, with the same dependencies."""
    return change_stage(mutant.step, lambda healthy: recast(healthy, mutant))


def recast(healthy: Any, mutant: Callable[..., S]) -> S:
    """Make a ``mutant`` with all fields of the healthy dataclass."""
    return mutant(**{field.name: getattr(healthy, field.name) for field in fields(healthy)})


@dataclass(frozen=True, slots=True)
class Defect:
    """One seeded defect."""

    name: str
    """Permanent: checks name it in ``catches``, settings in ``defect``."""
    step: Step
    """The step that is wrong."""
    breaks: str
    """One sentence: what the server then wrongly does."""
    seed: Seed
    """How it is put in. The kind of seed says in which process."""
