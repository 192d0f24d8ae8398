"""A seeded defect: what the server then does wrong, and how the defect is put into a process.

A check names the defect that it catches. Tests seed the defect and see the check fail, so no check passes by accident.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.job import Stage
from createflow.reference_server.domain.ports import EventSource, EventStream
from createflow.reference_server.domain.read_your_writes import Reader
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.schemas.flow import Step

if TYPE_CHECKING:  # a process that has no database must not load its client
    from createflow.reference_server.adapters.postgres_outbox import PostgresOutbox

ProcessKind = Literal["balancer", "gateway", "service", "worker", "database"]
Stages = tuple[Stage, ...]
EncodeEvent = Callable[[ResourceEvent], bytes]


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

    def change_event_stream(self, healthy: EventStream) -> EventStream:
        """Return what the outbox relay publishes to, in the worker."""
        return healthy

    def change_outbox(self, healthy: "PostgresOutbox") -> "PostgresOutbox":
        """Return what the outbox relay reads, in the worker."""
        return healthy

    def change_cache_events(self, healthy: EventSource) -> EventSource:
        """Return the events from which the worker repairs the cache."""
        return healthy

    def change_index_update(self, healthy: IndexUpdate) -> IndexUpdate:
        """Return step 15, which runs in the worker."""
        return healthy

    def change_schema(self, healthy: str) -> str:
        """Return the script that makes the tables."""
        return healthy

    def change_balancer(self, healthy: str) -> str:
        """Return the configuration of HAProxy."""
        return healthy

    def change_last_replica(self, healthy: str) -> str:
        """Return the settings of the last replica's PostgreSQL."""
        return healthy

    def change_certificate_days(self, healthy: int) -> int:
        """Return for how many days the server's certificate is valid."""
        return healthy


class Seed(NoSeed):
    """Puts a defect into a process: a subclass overrides what it changes."""

    process: ProcessKind
    """The kind of process that gets the defect."""


class AllSeeds(NoSeed):
    """Puts several defects into a process, one after the other."""

    def __init__(self, seeds: Sequence[NoSeed]) -> None:
        self._seeds = seeds

    def change_stages(self, healthy: Stages) -> Stages:
        """Return the stages after every change."""
        for seed in self._seeds:
            healthy = seed.change_stages(healthy)
        return healthy

    def change_reader(self, healthy: Reader) -> Reader:
        """Return the reader after every change."""
        for seed in self._seeds:
            healthy = seed.change_reader(healthy)
        return healthy

    def change_event_encoder(self, healthy: EncodeEvent) -> EncodeEvent:
        """Return the encoder after every change."""
        for seed in self._seeds:
            healthy = seed.change_event_encoder(healthy)
        return healthy

    def change_event_stream(self, healthy: EventStream) -> EventStream:
        """Return the stream after every change."""
        for seed in self._seeds:
            healthy = seed.change_event_stream(healthy)
        return healthy

    def change_outbox(self, healthy: "PostgresOutbox") -> "PostgresOutbox":
        """Return the outbox after every change."""
        for seed in self._seeds:
            healthy = seed.change_outbox(healthy)
        return healthy

    def change_cache_events(self, healthy: EventSource) -> EventSource:
        """Return the events after every change."""
        for seed in self._seeds:
            healthy = seed.change_cache_events(healthy)
        return healthy

    def change_index_update(self, healthy: IndexUpdate) -> IndexUpdate:
        """Return step 15 after every change."""
        for seed in self._seeds:
            healthy = seed.change_index_update(healthy)
        return healthy

    def change_schema(self, healthy: str) -> str:
        """Return the script after every change."""
        for seed in self._seeds:
            healthy = seed.change_schema(healthy)
        return healthy

    def change_balancer(self, healthy: str) -> str:
        """Return the configuration after every change."""
        for seed in self._seeds:
            healthy = seed.change_balancer(healthy)
        return healthy

    def change_last_replica(self, healthy: str) -> str:
        """Return the settings after every change."""
        for seed in self._seeds:
            healthy = seed.change_last_replica(healthy)
        return healthy

    def change_certificate_days(self, healthy: int) -> int:
        """Return the days after every change."""
        for seed in self._seeds:
            healthy = seed.change_certificate_days(healthy)
        return healthy


@dataclass(frozen=True, slots=True)
class Defect:
    """One seeded defect."""

    name: str
    """Permanent: checks name it in ``catches``, settings in ``defects``, users in ``createflow up --defect``."""
    step: Step
    """The step that is wrong."""
    breaks: str
    """One sentence: what the server then wrongly does."""
    seed: Seed
    """How it is put in. The kind of seed says in which process."""
