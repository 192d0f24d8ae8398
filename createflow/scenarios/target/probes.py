"""The roles that checks ask for in their signatures. A check gets what fills the role, or is skipped."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.schemas.profile import Deadlines, FaultName, Limits

Row = dict[str, Any]


class Target(Protocol):
    """The create endpoint. Every method raises NoReply when no complete reply came in time.

    A ``who`` of ``None`` is the check's own writer; ``ANONYMOUS`` sends no token.
    """

    contract: Contract
    deadlines: Deadlines
    limits: Limits | None
    writer: Principal
    """A principal that may create, this check's own where tokens can be minted."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        paced: bool = True,
    ) -> Reply:
        """Send one request. ``url`` is absolute or a path; ``paced`` keeps the promised rate limit."""

    async def create(
        self,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        paced: bool = True,
    ) -> Reply:
        """Send a body to the create path, POST or as the profile says; without one, a fresh valid document.

        Bytes stand where the representation stands: the target's envelope is put around them. The header
        ``Idempotency-Key`` goes out under the target's own name for it.
        """

    async def read(self, url: str, *, who: Principal | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """GET."""

    async def listed(self, *, who: Principal | None = None) -> Reply:
        """GET of the path where creates go: a list of what is there, where the target has one."""

    async def update(
        self,
        url: str,
        body: Mapping[str, Any],
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """PUT a whole new body."""

    def url_of(self, created: Reply) -> str:
        """Where a created resource is: its Location, or else its id below the path."""


class Tokens(Protocol):
    """Principals and their tokens. What the profile does not give raises NotDeclared."""

    def writer(self) -> Principal:
        """May create."""

    def other_writer(self) -> Principal:
        """May create, and is somebody else."""

    def reader(self) -> Principal:
        """Is known but may not create; the writer's subject where tokens can be minted."""

    def expired(self) -> Principal:
        """The writer with a token that was good once."""


class Rows(Protocol):
    """A table that can be asked."""

    async def by_id(self, resource_id: str) -> list[Row]:
        """The rows of a resource."""

    async def by_name(self, name: str) -> list[Row]:
        """The rows with this name. Raises NotDeclared when the profile has no such query."""


class Primary(Rows, Protocol):
    """The database that the write commits to."""


class AuditTrail(Rows, Protocol):
    """Where it is written who did what when."""

    async def by_actor(self, actor: str) -> list[Row]:
        """The entries of a subject. Raises NotDeclared when the profile has no such query."""


class Replica(Rows, Protocol):
    """One copy of the primary."""

    name: str


class Replicas(Protocol):
    """All declared replicas."""

    def each(self) -> Sequence[Replica]:
        """In the order of the profile."""


class Cache(Protocol):
    """The cache in front of the database."""

    async def value(self, resource_id: str) -> Row | None:
        """The cached representation, or ``None`` when there is none."""

    async def keys_holding(self, text: str) -> list[str]:
        """Keys whose value mentions the text. Raises NotDeclared when the cache is too big to look through."""


class Event(Protocol):
    """One received event."""

    id: str
    document: Row
    resource: Row


class EventLog(Protocol):
    """Every event since the run started."""

    def of(self, resource_id: str) -> list[Event]:
        """The events about a resource, one for each event id, in order."""

    def mentioning(self, text: str) -> list[Event]:
        """The events that contain the text anywhere."""


class SearchIndex(Protocol):
    """The search engine."""

    async def document(self, resource_id: str) -> Row | None:
        """The indexed document of a resource."""

    async def found(self, field: str, text: str) -> list[Row]:
        """What a search for the text in a field finds."""


class Faults(Protocol):
    """What can be broken on purpose."""

    def injected(self, *names: FaultName) -> AbstractAsyncContextManager[None]:
        """The first declared of these faults is in inside the block, and is healed after it, whatever happens."""


class Handshakes(Protocol):
    """Raw TLS handshakes with the target; the methods block."""

    def modern(self) -> str:
        """What is wrong with a verified handshake of TLS 1.2 or newer; empty when nothing is."""

    def days_left(self) -> float:
        """How long the verified certificate is still good. Raises OSError when no handshake succeeds."""

    def tls_1_1(self) -> Literal["accepted", "refused", "untested"]:
        """How an offer of TLS 1.1 and nothing newer ends; ``untested`` when it cannot be made from here."""
