"""What travels along the stages: the job, and the refusal that ends it early."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from createflow.reference_server.domain.unit_of_work import Unit
from createflow.schemas.flow import Step

Operation = Literal["", "create", "read", "update", "delete", "search"]
Receive = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what they may do."""

    subject: str
    permissions: frozenset[str]


NOBODY = Principal("", frozenset())


@dataclass(frozen=True, slots=True)
class Quota:
    """What the rate limiter said: requests per window, what is left, and when all of it is back."""

    limit: int
    window_s: int
    remaining: int
    reset_s: int
    retry_after_s: float = 0.0
    """0 when allowed."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request as ASGI hands it over; header names in lower case."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    headers_bytes: int
    peer: str
    receive: Receive
    repeated: frozenset[bytes] = frozenset()
    """Names that came more than once; ``headers`` holds the last."""


class Lease(Protocol):
    """A database connection that must be given back."""

    async def release(self) -> None:
        """Give it back; a second time is harmless."""


@dataclass(frozen=True, slots=True)
class Current:
    """A row as it is now on the primary."""

    version: int
    owner: str
    document: bytes


@dataclass(slots=True)
class Job:
    """One request on its way. Mutable: sixteen frozen copies would cost as much as the work of several stages."""

    request_id: str
    op: Operation = ""
    exchange: Exchange | None = None
    """Only on the gateway."""
    raw: bytes = b""
    client: str = ""
    """Address, as the balancer tells it."""
    principal: Principal = NOBODY
    quota: Quota | None = None
    resource_id: str = ""
    query: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    if_match: str = ""
    if_none_match: str = ""
    idempotency_key: str = ""
    fingerprint: bytes = b""
    """What body the Idempotency-Key stands for."""
    deadline_s: float = 0.0
    """Seconds since the epoch, UTC; nobody waits for an answer after it."""
    current: Current | None = None
    unit: Unit | None = None
    lease: Lease | None = None
    replayed: bool = False
    """The answer is an earlier one, given again: nothing was written now."""
    status: int = 0
    version: int = 0
    document: bytes = b""
    """The representation as JSON."""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Of the reply."""
    timings: list[tuple[str, int]] = field(default_factory=list)
    """(step, nanoseconds)."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a body: a JSON Pointer, our own words, and the rule; never the value itself."""

    pointer: str
    detail: str
    keyword: str = ""


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error of ours
    """A stage says no; the reply is a problem document.

    An ordinary class: a frozen dataclass cannot carry the traceback that context managers set.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        retry_after_s: float | None = None,
        errors: tuple[Violation, ...] = (),
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.errors = errors
        self.headers = headers


class Answered(Refused):
    """A stage has said all that there is to say: the run ends, and the reply has no body."""


class Stage(Protocol):
    """One step: takes the job, does its work, gives the job on or raises ``Refused``."""

    @property
    def step(self) -> Step:
        """Which one; a class variable of the stages."""

    async def __call__(self, job: Job) -> Job:
        """Do the step's work."""
