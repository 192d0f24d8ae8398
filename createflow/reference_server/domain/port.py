"""What the stages call, as protocols: the adapters implement them, the tests' twins too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from createflow.reference_server.domain.job import Current, Lease, Quota
from createflow.reference_server.domain.unit_of_work import Stored, Unit, Written


class KeyTakenError(Exception):
    """The unit's Idempotency-Key already stands for an earlier write; nothing was written now."""


class DatabaseError(Exception):
    """The database refused the statement; it is rolled back. The cause is for the log only."""


class UnavailableError(Exception):
    """What was asked for is not there now, and nothing was done."""


class UnknownOutcomeError(Exception):
    """The request was sent and no answer came: it may or may not have been done."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate with room for a burst."""

    rate_per_s: float
    burst: int


class Buckets(Protocol):
    """Counts requests against a limit, one bucket a key."""

    async def take(self, key: str, limit: Limit) -> Quota:
        """Count one request; the quota's ``retry_after_s`` is above zero when it is one too many."""


class Rows(Protocol):
    """The tables on the primary."""

    async def acquire(self) -> Lease:
        """A connection within the pool's wait limit.

        Raises:
            UnavailableError: none came free in time, or the database cannot be reached.
        """

    async def write(self, lease: Lease, unit: Unit) -> Written | None:
        """Write the whole unit in one statement and commit; None when no row met the unit's conditions.

        Raises:
            KeyTakenError: the unit's claim exists; nothing was written.
            DatabaseError: rolled back.
            UnavailableError: not begun.
            UnknownOutcomeError: the connection broke before the answer.
        """

    async def current(self, resource_id: str) -> Current | None:
        """The row as it is; None when there is none or it is deleted."""

    async def stored(self, subject: str, key: str) -> Stored | None:
        """What was answered for this Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A resource as some store has it: ``document`` is empty when it is deleted."""

    version: int
    document: bytes


class Copies(Protocol):
    """A store that can be asked for a resource: the primary or a replica."""

    async def read(self, resource_id: str) -> Copy | None:
        """The copy, deleted ones included; None when it has none.

        Raises:
            UnavailableError: it does not answer.
        """


class CacheStore(Protocol):
    """The cache: versioned, so that the order of arrival does not matter."""

    async def read(self, resource_id: str) -> Copy | None:
        """The cached copy.

        Raises:
            UnavailableError: the cache does not answer.
        """

    async def set_if_newer(self, resource_id: str, copy: Copy) -> None:
        """Keep the copy unless a newer one is there.

        Raises:
            UnavailableError: the cache does not answer.
        """


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service instance replied."""

    status: int
    code: str = ""
    detail: str = ""
    retry_after_s: float | None = None
    version: int = 0
    resource_id: str = ""
    timings: Sequence[tuple[str, int]] = ()
    document: bytes = b""


class Bus(Protocol):
    """Request and reply to one live service instance."""

    async def request(self, envelope: bytes) -> Answer:
        """Ask any one instance.

        Raises:
            UnavailableError: no instance is there; nothing was sent to one.
            UnknownOutcomeError: an instance may have it, and did not answer in time.
        """


@dataclass(frozen=True, slots=True)
class IndexAction:
    """One document to index, or to remove when ``document`` is empty, at a version."""

    resource_id: str
    version: int
    document: bytes


class Index(Protocol):
    """The search index."""

    async def ensure(self) -> bool:
        """Create the index with its mapping when it is not there; whether it was created."""

    async def apply(self, actions: Sequence[IndexAction]) -> Sequence[bool]:
        """Apply in one bulk request; for each whether it holds now (an older version losing counts as held)."""

    async def search(self, query: str) -> list[Any]:
        """Documents whose name matches, best first."""
