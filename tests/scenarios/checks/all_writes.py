"""Stores in memory that hold what a small run wrote, until a test bends one of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from createflow.scenarios.harness.write_sample import Repeated
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.sink import EventKind
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import Change, Changed, WriteRecord, Written
from tests.scenarios.checks.memory_target import reply

RUN = "0123abcd"
WRITER = Principal(f"createflow-{RUN}-1", "token")
Row = dict[str, Any]
_LONG_AGO = time.time() - 60
"""When everything was written: every deadline has passed since."""


@dataclass(frozen=True)
class MemoryEvent:
    """Fills the role Event."""

    id: str
    resource: Row
    kind: EventKind
    text: str
    envelope: dict[str, Any] = field(default_factory=dict)


@dataclass
class Stores:
    """Fills Primary, Replica, AuditTrail, EventLog, Cache and SearchIndex with what was written."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    entries: list[Row] = field(default_factory=list)
    events: list[MemoryEvent] = field(default_factory=list)
    copies: dict[str, Row] = field(default_factory=dict)
    """Cached values and indexed documents by id."""
    kinds: tuple[EventKind, ...] = ("created", "updated", "deleted")
    has_changes: bool = True
    name: str = "copy"
    max_batch: int = 4

    async def by_id(self, resource_id: str) -> list[Row]:
        """Rows; in a trail, entries."""
        return self.rows.get(resource_id, [])

    async def by_name(self, name: str) -> list[Row]:
        """Rows by name."""
        return [row for rows in self.rows.values() for row in rows if row.get("name") == name]

    async def by_creators(self, creators: Sequence[str], since: datetime) -> list[Row]:
        """Rows by creator."""
        assert since.tzinfo is not None
        return [row for rows in self.rows.values() for row in rows if row.get("created_by") in creators]

    def of(self, resource_id: str) -> list[MemoryEvent]:
        """Events about a resource."""
        return [event for event in self.events if event.resource.get("id") == resource_id]

    def all(self) -> list[MemoryEvent]:
        """All events."""
        return self.events

    def tells(self, kind: EventKind) -> bool:
        """Whether the kind is known."""
        return kind in self.kinds

    async def value(self, resource_id: str) -> Row | None:
        """A cached value."""
        return self.copies.get(resource_id)

    async def document(self, resource_id: str) -> Row | None:
        """An indexed document."""
        return self.copies.get(resource_id)

    async def with_names(self, names: Sequence[str]) -> list[str]:
        """Names of documents."""
        assert len(names) <= self.max_batch
        return [copy["name"] for copy in self.copies.values() if copy["name"] in names]

    def each(self) -> "tuple[Stores, ...]":
        """Itself, as the only replica."""
        return (self,)

    def publish(self, kind: EventKind, resource: Row, *, event_id: str = "") -> None:
        """Add an event."""
        event_id = event_id or f"{kind}-{resource['id']}"
        self.events.append(MemoryEvent(event_id, resource, kind, str(resource)))


@dataclass
class Trail:
    """Fills the role AuditTrail on the entries of the stores."""

    stores: Stores
    has_changes: bool = True

    async def by_id(self, resource_id: str) -> list[Row]:
        """Entries about a resource."""
        return [entry for entry in self.stores.entries if entry["resource_id"] == resource_id]

    async def by_actor(self, actor: str) -> list[Row]:
        """Entries of a subject."""
        return [entry for entry in self.stores.entries if entry["actor"] == actor]

    async def by_name(self, name: str) -> list[Row]:
        """No such query."""
        raise NotDeclared(name)


class SmallRun:
    """Two resources of each kind: created, updated, deleted; and one refused create. Fills the role WriteSample."""

    def __init__(self) -> None:
        self.record = WriteRecord(RUN)
        self.stores = Stores()
        self.trail = Trail(self.stores)
        self.lost_at_once: list[Written] = []
        self.refused: list[tuple[str, Reply]] = []
        self.twice: list[Repeated] = []
        self._number = 0
        for group in ("created", "created", "updated", "updated", "deleted", "deleted"):
            self._write(group)
        body = b'{"name":"createflow n00000000000000ff"}'
        self.record.refused(body, "createflow n00000000000000ff", reply(400), "validation.x", WRITER)

    async def created(self) -> list[Written]:
        """Those that were not changed."""
        return [written for written in self.record.resources.values() if not written.changes]

    async def updated(self) -> list[Written]:
        """Those that were updated."""
        return [written for written in self.record.resources.values() if written.count(Change.UPDATE)]

    async def updated_often(self) -> list[Written]:
        """None."""
        return []

    async def deleted(self) -> list[Written]:
        """Those that were deleted."""
        return [written for written in self.record.resources.values() if written.count(Change.DELETE)]

    async def read_at_once(self) -> list[tuple[Written, Reply]]:
        """Each shows what was written, unless it is lost."""
        found = []
        for written in self.record.resources.values():
            state = None if written in self.lost_at_once else written.states()[0]
            found.append((written, reply(404) if state is None else self._reply(200, dict(state))))
        return found

    async def answers(self) -> list[tuple[str, Reply]]:
        """All were accepted, and those that a test refuses."""
        return [("a create", written.reply) for written in self.record.resources.values()] + self.refused

    async def repeated(self) -> list[Repeated]:
        """Each create again with its key."""
        return [Repeated((one.reply, one.reply), is_at_once=False) for one in await self.created()] + self.twice

    async def all(self) -> list[Written]:
        """Everything."""
        return list(self.record.resources.values())

    def _write(self, group: str) -> None:
        self._number += 1
        resource_id = str(self._number)
        shown = self._shown(resource_id)
        content = str(shown).encode()
        url = f"http://x/r/{resource_id}"
        answer = self._reply(201, shown)
        written = Written(resource_id, url, WRITER, {"name": shown["name"]}, shown, answer, "a.check")
        self.record.created(written, content)
        self.stores.publish("created", shown)
        self._enter("create", resource_id)
        if group == "updated":
            shown = {**shown, "name": f"createflow n{self._number + 512:016x}"}
            self._change(url, Change.UPDATE, shown)
        elif group == "deleted":
            self._change(url, Change.DELETE, shown)
            return
        self.stores.rows[resource_id] = [dict(shown)]
        self.stores.copies[resource_id] = dict(shown)

    def _change(self, url: str, change: Change, shown: Row) -> None:
        deletes = change is Change.DELETE
        answer = self._reply(204 if deletes else 200, None if deletes else shown)
        sent = None if deletes else {"name": shown["name"]}
        changed = Changed(change, sent, answer, answer.sent_at, answer.received_at, WRITER.subject)
        self.record.changed(url, changed, str(sent).encode())
        self.stores.publish("deleted" if deletes else "updated", shown)
        self._enter(str(change), shown["id"])

    def _enter(self, action: str, resource_id: str) -> None:
        entry = {"actor": WRITER.subject, "action": action, "resource_id": resource_id, "outcome": "success"}
        self.stores.entries.append({**entry, "occurred_at": datetime.fromtimestamp(_LONG_AGO, UTC)})

    @staticmethod
    def _shown(resource_id: str) -> Row:
        name = f"createflow n{int(resource_id):016x}"
        return {"id": resource_id, "name": name, "count": 1, "created_by": WRITER.subject}

    @staticmethod
    def _reply(status: int, shown: Row | None) -> Reply:
        return replace(reply(status, shown), representation=shown, sent_at=_LONG_AGO, received_at=_LONG_AGO)
