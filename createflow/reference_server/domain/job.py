"""What travels along the stages: the job, and the refusal that ends it early."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from createflow.reference_server.domain.access import ANONYMOUS, Principal
from createflow.reference_server.domain.unit_of_work import UnitOfWork
from createflow.schemas.flow import Step

Operation = Literal["", "create", "read", "update", "delete", "search"]
Receive = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Quota:
    """The rate limiter's answer: requests a window, how many are left, and when the bucket is full again."""

    limit: int
    window_s: int
    remaining: int
    reset_s: int
    retry_after_s: float = 0.0
    """0 when the request is allowed."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request as ASGI delivers it; header names are in lower case."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    """The last value of each field."""
    headers_bytes: int
    peer: str
    receive: Receive
    repeated: frozenset[bytes] = frozenset()
    """Names of fields that came more than once."""
    client_is_gone: Callable[[], bool] = _never
    """Whether the connection is closed: nobody would read the reply."""


class Lease(Protocol):
    """A database connection on loan."""

    async def release(self) -> None:
        """Give the connection back; a second call does nothing."""


@dataclass(frozen=True, slots=True)
class CurrentRow:
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
    """Set on the gateway only."""
    raw: bytes = b""
    """The body as received; empty until ``receive_body`` has been called."""
    read_body: Callable[[], Awaitable[bytes]] | None = None
    """Reads the body from the client; None when there is nothing more to read."""
    check_fields: Callable[[], None] | None = None
    """Checks what the header says about body and condition; may refuse. Set on the gateway only."""
    client: str = ""
    """The client's address, as the load balancer reports it."""
    principal: Principal = ANONYMOUS
    quota: Quota | None = None
    resource_id: str = ""
    query: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    if_match: str = ""
    if_none_match: str = ""
    idempotency_key: str = ""
    fingerprint: bytes = b""
    """Hash of the body that the Idempotency-Key belongs to."""
    deadline_s: float = 0.0
    """Seconds since the epoch, UTC. After it the gateway does not wait any more."""
    current: CurrentRow | None = None
    unit: UnitOfWork | None = None
    lease: Lease | None = None
    is_crowded_out: bool = False
    """No instance of the service had room for it."""
    is_replay: bool = False
    """The reply repeats that of an earlier request with the same Idempotency-Key; nothing was written now."""
    status: int = 0
    version: int = 0
    document: bytes = b""
    """The representation as JSON."""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Of the reply."""
    timings: list[tuple[str, int]] = field(default_factory=list)
    """(step, nanoseconds)."""

    async def receive_body(self) -> bytes:
        """Return the body as received; the first call reads it from the client.

        Raises:
            Refused: the body is too large, late or incomplete.
        """
        if self.read_body is not None:
            read, self.read_body = self.read_body, None
            self.raw = await read()
        return self.raw


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a body: a JSON Pointer, a text and the violated rule; never the value itself."""

    pointer: str
    detail: str
    keyword: str = ""


class Refused(Exception):  # noqa: N818 - a refusal is a reply, not a failure of the server
    """A stage refuses the request; the reply is a problem document (RFC 9457).

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
    """A stage has answered the request completely: the later stages are skipped, and the reply has no body."""


class Stage(Protocol):
    """One step: takes the job, does its work, and returns the job or raises ``Refused``."""

    @property
    def step(self) -> Step:
        """Which step it is; a class variable of the stages."""

    async def __call__(self, job: Job) -> Job:
        """Do the step's work."""
