"""A target in memory that keeps every promise, until a test bends one reply."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.reply import Reply
from createflow.schemas.profile import Deadlines, FaultName, Limits
from createflow.schemas.profile_target import Target
from createflow.schemas.report import Exchange

Bend = Callable[[str, str, Reply], Reply]
"""Takes method, URL and the honest reply; gives the reply that is sent."""


def reply(status: int, document: Any = None, **headers: str) -> Reply:
    """A reply without a network."""
    body = json.dumps(document if document is not None else {}).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    exchange = Exchange(method="?", url="?", status=status)
    return Reply(status, {"content-type": "application/json", **given}, body, exchange, 0.0, 0.0)


@dataclass
class MemoryTarget:
    """Fills the role Target."""

    bend: Bend = lambda _method, _url, honest: honest
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    writer: Principal = ANONYMOUS
    limits: Limits | None = None
    deadlines: Deadlines = field(
        default_factory=lambda: Deadlines(replica_s=0.05, index_s=0.05, recovery_s=0.05, event_s=0.05)
    )
    contract: Contract = field(
        default_factory=lambda: Contract(Target.model_validate({"base_url": "http://x", "update": True}))
    )

    async def send(self, method: str, url: str, *, content: bytes | None = None, **_: object) -> Reply:
        """Answer as the contract says."""
        return self.bend(method, url, self._honest(method, url, content))

    def _honest(self, method: str, url: str, content: bytes | None) -> Reply:
        if method == "OPTIONS":
            return reply(200)
        if method == "POST":
            resource_id = str(len(self.rows) + 1)
            self.rows[resource_id] = {"id": resource_id, **json.loads(content or b"{}")}
            return reply(201, self.rows[resource_id], location=f"/r/{resource_id}")
        row = self.rows.get(url.removeprefix("/r/"))
        if row is None:
            return reply(404)
        if method == "DELETE":
            del self.rows[url.removeprefix("/r/")]
            return reply(204)
        if method == "PUT":
            row.update(json.loads(content or b"{}"))
        return reply(200, row)

    async def create(
        self, body: Mapping[str, Any] | bytes | None = None, *, method: str = "POST", **options: Any
    ) -> Reply:
        """POST."""
        content = body if isinstance(body, bytes) else json.dumps(body or self.contract.document()).encode()
        return await self.send(method, "/r", content=content, **options)

    async def read(self, url: str, **_: object) -> Reply:
        """GET."""
        return await self.send("GET", url)

    async def read_collection(self, **_: object) -> Reply:
        """Everything."""
        return reply(200, list(self.rows.values()))

    async def update(self, url: str, body: Mapping[str, Any] | bytes, **_: object) -> Reply:
        """PUT."""
        return await self.send("PUT", url, content=body if isinstance(body, bytes) else json.dumps(body).encode())

    async def delete(self, url: str, **_: object) -> Reply:
        """DELETE."""
        return await self.send("DELETE", url)

    def url_of(self, created: Reply) -> str:
        """Its Location."""
        return created.headers["location"]


@dataclass
class Switch:
    """Fills the role Faults: says whether the fault is in."""

    on: bool = False

    @asynccontextmanager
    async def injected(self, *_: FaultName) -> AsyncIterator[None]:
        """In inside the block."""
        self.on = True
        yield
        self.on = False


@dataclass
class Copy:
    """Fills the roles Replica and SearchIndex: shows what ``look`` gives."""

    look: Callable[[str], dict[str, Any] | None]
    name: str = "copy"

    async def by_id(self, resource_id: str) -> list[dict[str, Any]]:
        """The row, if any."""
        row = self.look(resource_id)
        return [] if row is None else [row]

    async def by_name(self, name: str) -> list[dict[str, Any]]:
        """Nobody asks."""
        raise NotImplementedError(name)

    async def document(self, resource_id: str) -> dict[str, Any] | None:
        """The same as a document."""
        return self.look(resource_id)

    async def found(self, field: str, text: str) -> list[dict[str, Any]]:
        """Nobody asks."""
        raise NotImplementedError(field + text)

    def each(self) -> "tuple[Copy, ...]":
        """Itself, as the only replica."""
        return (self,)
