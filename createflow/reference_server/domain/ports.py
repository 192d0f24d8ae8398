"""What the stages and the processes call, as protocols. The adapters implement them, and so do the tests' fakes."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.job import CurrentRow, Job, Lease, Quota
from createflow.reference_server.domain.unit_of_work import StoredReply, UnitOfWork, WrittenRow


class KeyTakenError(Exception):
    """The unit's Idempotency-Key belongs to an earlier write; nothing was written now."""


class NameTakenError(Exception):
    """Another resource has the name; nothing was written."""


class DatabaseError(Exception):
    """The database refused the statement and rolled back. The cause is for the log only."""


class UnavailableError(Exception):
    """A dependency does not answer now, and nothing was done."""


class StreamLostError(Exception):
    """The event stream was gone and has been made again: it lacks events that it had acknowledged."""


class UnknownOutcomeError(Exception):
    """The request was sent and no reply came: it may or may not have been carried out."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A request rate and the burst that is allowed on top of it."""

    rate_per_s: float
    burst: int


class RateLimiter(Protocol):
    """Counts requests against a limit, with one bucket a key."""

    async def take(self, key: str, limit: Limit) -> Quota:
        """Count one request. The quota's ``retry_after_s`` is above 0 when the request exceeds the limit."""


class Repository(Protocol):
    """The tables on the primary."""

    async def acquire(self) -> Lease:
        """Lease a connection within the pool's wait limit.

        Raises:
            UnavailableError: no connection came free in time, or the database cannot be reached.
        """

    async def write(self, lease: Lease, unit: UnitOfWork) -> WrittenRow | None:
        """Write the whole unit in one statement and commit; None when no row met the unit's conditions.

        Raises:
            KeyTakenError: the unit's claim exists; nothing was written.
            NameTakenError: names are unique, and another resource has this one; nothing was written.
            DatabaseError: the write was rolled back.
            UnavailableError: the write was not begun.
            UnknownOutcomeError: the connection broke before the answer.
        """

    async def current(self, resource_id: str) -> CurrentRow | None:
        """Return the row as it is now; None when there is none or it is deleted."""

    async def stored_reply(self, subject: str, key: str) -> StoredReply | None:
        """Return what was written under this Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A resource as one store has it; ``document`` is empty when the resource is deleted."""

    version: int
    document: bytes


class ReadStore(Protocol):
    """A store that resources are read from: the primary or a replica."""

    async def read(self, resource_id: str) -> Copy | None:
        """Return the copy, also of a deleted resource; None when there is none.

        Raises:
            UnavailableError: the store does not answer.
        """


class CacheStore(Protocol):
    """The cache. Copies have versions, so the order in which they arrive does not matter."""

    async def read(self, resource_id: str) -> Copy | None:
        """Return the cached copy.

        Raises:
            UnavailableError: the cache does not answer.
        """

    async def set_if_newer(self, resource_id: str, copy: Copy) -> None:
        """Store the copy unless the cache has the same version or a newer one.

        Raises:
            UnavailableError: the cache does not answer.
        """


BUSY_CODE = "instance_busy"
"""Of a reply to a request that an instance did not take: nothing was done, and another one may take it."""


@dataclass(frozen=True, slots=True)
class ServiceReply:
    """What a service instance replied."""

    status: int
    code: str = ""
    detail: str = ""
    retry_after_s: float | None = None
    version: int = 0
    resource_id: str = ""
    timings: Sequence[tuple[str, int]] = ()
    """(step, nanoseconds)."""
    document: bytes = b""


class ServiceBus(Protocol):
    """Request and reply to one live service instance."""

    async def request(self, job: Job) -> ServiceReply:
        """Send the job to any one instance.

        Raises:
            UnavailableError: no instance is there; the job was sent to none.
            UnknownOutcomeError: an instance may have it, and did not reply in time.
        """


class Delivery(Protocol):
    """Events that were fetched and wait to be acknowledged."""

    events: list[ResourceEvent]

    async def settle(self, done: Sequence[bool]) -> None:
        """Acknowledge the events that are done; the others are delivered again.

        Raises:
            UnavailableError: the stream does not answer; every event is delivered again.
        """


class EventSource(Protocol):
    """A durable consumer of the event stream."""

    def fetch(self, limit: int) -> AbstractAsyncContextManager[Delivery]:
        """Return up to ``limit`` events as soon as there are any, or none after a while.

        Raises:
            UnavailableError: the stream does not answer.
        """

    async def rewind(self) -> None:
        """Start again with the oldest event.

        Raises:
            UnavailableError: the stream does not answer.
        """


class EventStream(Protocol):
    """Where the outbox relay publishes events."""

    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        """Publish events, and return how many of them, from the first on, are acknowledged without a gap.

        Raises:
            UnavailableError: the stream does not exist yet, or refuses all of them.
            StreamLostError: it does not exist any more.
        """


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows were deleted because they are older than they must be kept."""

    events: int
    keys: int


@dataclass(frozen=True, slots=True)
class IndexAction:
    """One document to index at a version, or to remove when ``document`` is empty."""

    resource_id: str
    version: int
    document: bytes


class Index(Protocol):
    """The search index."""

    async def ensure(self) -> bool:
        """Create the index with its mapping if it does not exist; returns whether it was created."""

    async def apply(self, actions: Sequence[IndexAction]) -> Sequence[bool]:
        """Apply actions in one bulk request; says of each whether the index now has this version or a newer one."""

    async def search(self, query: str) -> list[Any]:
        """Return documents whose name matches, best first."""
