"""The kinds of seed: how a defect is put into a process.

Most defects are a changed stage (``replace_stage``). Others change what a stage uses, the tables, or the balancer.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, TypeVar, cast

from createflow.reference_server.adapters.postgres_outbox import PostgresOutbox
from createflow.reference_server.defects.defect import EncodeEvent, ProcessKind, Seed, Stages
from createflow.reference_server.domain.job import Job, Operation, Stage
from createflow.reference_server.domain.ports import EventSource, EventStream
from createflow.reference_server.domain.read_your_writes import Reader
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.schemas.flow import Step, Tier

WORKS_S = 0.02
"""From the look at what is stored to the write, where a race has a window: as long as an ordinary service works for.
The reference itself writes faster than it collects requests for, and would hide the race."""
S = TypeVar("S")


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
class ChangeEventStream(Seed):
    """Puts what ``change`` makes of the healthy stream in its place: what the outbox relay publishes to."""

    process = "worker"
    change: Callable[[EventStream], EventStream]

    def change_event_stream(self, healthy: EventStream) -> EventStream:
        """Return what ``change`` makes of the stream."""
        return self.change(healthy)


@dataclass(frozen=True)
class ChangeOutbox(Seed):
    """Puts what ``change`` makes of the healthy outbox in its place: what the relay reads."""

    process = "worker"
    change: Callable[[PostgresOutbox], PostgresOutbox]

    def change_outbox(self, healthy: PostgresOutbox) -> PostgresOutbox:
        """Return what ``change`` makes of the outbox."""
        return self.change(healthy)


@dataclass(frozen=True)
class ChangeDatabase(Seed):
    """Runs ``script`` on the primary, as the superuser and after the tables were made.

    The script may only make things in the schema ``seeded``, and triggers that call its functions: so ``UNDO`` removes
    all of it.
    """

    process = "database"
    script: str
    UNDO: ClassVar[str] = "DROP SCHEMA IF EXISTS seeded CASCADE"

    @property
    def whole_script(self) -> str:
        """The script with the schema that it writes to."""
        return f"CREATE SCHEMA IF NOT EXISTS seeded; GRANT USAGE ON SCHEMA seeded TO PUBLIC;\n{self.script}"

    def change_schema(self, healthy: str) -> str:
        """Return the script of the tables with this one after it."""
        return f"{healthy}\n{self.whole_script}"


@dataclass(frozen=True)
class ChangeTables(Seed):
    """Replaces a text of the script that makes the tables; where it is not there, so is no defect."""

    process = "database"
    text: str
    replacement: str

    def change_schema(self, healthy: str) -> str:
        """Return the changed script."""
        return healthy.replace(self.text, self.replacement)


@dataclass(frozen=True)
class ChangeReplicas(Seed):
    """Adds settings to the last replica's PostgreSQL."""

    process = "database"
    settings: str

    def change_last_replica(self, healthy: str) -> str:
        """Return the settings with these after them."""
        return healthy + self.settings


@dataclass(frozen=True)
class ChangeCertificate(Seed):
    """Lets the server's certificate end sooner or later."""

    process = "balancer"
    days: int

    def change_certificate_days(self, healthy: int) -> int:  # noqa: ARG002 - the base's signature
        """Return the days."""
        return self.days


@dataclass(frozen=True)
class ChangeBalancer(Seed):
    """Replaces a text of HAProxy's configuration by another one."""

    process = "balancer"
    text: str
    replacement: str

    def change_balancer(self, healthy: str) -> str:
        """Return the changed configuration.

        Raises:
            ValueError: the text is not there, so the defect would not be either.
        """
        if self.text not in healthy:
            raise ValueError(f"HAProxy's configuration has no {self.text!r}")
        return healthy.replace(self.text, self.replacement)


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


@dataclass(frozen=True)
class ChangeCacheWrites(Seed):
    """Changes the stages of a service, and the events from which the worker repairs what a service has missed."""

    process = "service"
    stages: ChangeStages | None
    events: Callable[[EventSource], EventSource]

    def change_stages(self, healthy: Stages) -> Stages:
        """Return the changed stages."""
        return healthy if self.stages is None else self.stages.change_stages(healthy)

    def change_cache_events(self, healthy: EventSource) -> EventSource:
        """Return the changed events."""
        return self.events(healthy)


def trigger(name: str, event: str, body: str) -> ChangeDatabase:
    """Run a PL/pgSQL body for each row, as its owner.

    Args:
        name: of the trigger; ``seeded.{name}_turns`` is a sequence for a defect that hits one in N.
        event: for example ``BEFORE INSERT ON resources``.
        body: the statements.
    """
    return ChangeDatabase(
        f"CREATE SEQUENCE seeded.{name}_turns;\n"
        f"CREATE FUNCTION seeded.{name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public\n"
        f"AS $$ BEGIN {body} END $$;\n"
        f"CREATE TRIGGER {name} {event} FOR EACH ROW EXECUTE FUNCTION seeded.{name}();\n"
    )


def turn(name: str, of: int) -> str:
    """Return the SQL condition that is true for one row in ``of``, inside the trigger ``name``."""
    return f"nextval('seeded.{name}_turns') % {of} = 0"


def changed_values(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a JSON value in which ``change`` was made to each text, number, truth value and null."""
    if isinstance(value, dict):
        return {key: changed_values(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [changed_values(item, change) for item in value]
    return change(value)


def one_in(number: int) -> Callable[[], bool]:
    """Return a function whose every ``number``-th answer is true."""
    turns = itertools.count(1)
    return lambda: next(turns) % number == 0


def change_stage(step: Step, change: Callable[[Any], Stage]) -> ChangeStages:
    """Put what ``change`` makes of the healthy stage of ``step`` in its place."""

    def change_all(healthy: Stages) -> Stages:
        return tuple(change(stage) if stage.step == step else stage for stage in healthy)

    return ChangeStages("gateway" if step.tier is Tier.API else "service", change_all)


@dataclass(frozen=True)
class _ForOperations:
    """One stage for some operations, and another one for the rest."""

    step: Step
    operations: frozenset[str]
    mutant: Stage
    healthy: Stage

    async def __call__(self, job: Job) -> Job:
        return await (self.mutant if job.op in self.operations else self.healthy)(job)


def for_operations(operations: set[Operation], seed: ChangeStages, step: Step) -> ChangeStages:
    """Let the seed of a step work for these operations only."""

    def change_all(healthy: Stages) -> Stages:
        return tuple(
            _ForOperations(step, frozenset(operations), changed, stage) if stage.step == step else stage
            for changed, stage in zip(seed.change_stages(healthy), healthy, strict=True)
        )

    return ChangeStages(seed.process, change_all)


def replace_stage(mutant: Any) -> ChangeStages:
    """Put the class ``mutant`` in place of the healthy stage of the same step, with the same dependencies."""
    return change_stage(mutant.step, lambda healthy: recast(healthy, mutant))


def recast(healthy: Any, mutant: Callable[..., S]) -> S:
    """Make a ``mutant`` with all fields of the healthy dataclass.

    Where another defect has its place for some operations, it gets the others.
    """
    if isinstance(healthy, _ForOperations):
        return cast("S", replace(healthy, healthy=cast("Stage", recast(healthy.healthy, mutant))))
    return mutant(**{field.name: getattr(healthy, field.name) for field in fields(healthy)})
