"""The unit of work: what one commit writes. Steps 8 to 10 fill it, step 12 commits it."""

from dataclasses import dataclass, field
from typing import Literal

Action = Literal["create", "update", "delete"]
EventType = Literal["created", "updated", "deleted"]

EVENT_TYPES: dict[Action, EventType] = {"create": "created", "update": "updated", "delete": "deleted"}


@dataclass(slots=True)
class CreateRow:
    """Insert a resource."""

    name: str
    description: str
    metadata: str
    """As JSON."""
    subject: str
    """Its creator."""


@dataclass(slots=True)
class UpdateRow:
    """Replace a resource's fields and raise its version by one."""

    resource_id: str
    expected_version: int | None
    """The update is carried out only at this version; None for any."""
    name: str
    description: str
    metadata: str
    """As JSON."""


@dataclass(slots=True)
class DeleteRow:
    """Mark a resource as deleted and raise its version by one."""

    resource_id: str
    expected_version: int | None
    """As in ``UpdateRow``."""


RowChange = CreateRow | UpdateRow | DeleteRow


@dataclass(frozen=True, slots=True)
class EventDraft:
    """One row of the outbox; the database adds ids and time."""

    type: EventType
    actor: str


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """One entry of the audit log: who did what. The database adds the time."""

    action: Action
    actor: str


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """An Idempotency-Key of one subject, and the fingerprint of the body that it belongs to."""

    subject: str
    key: str
    fingerprint: bytes


@dataclass(slots=True)
class UnitOfWork:
    """Everything that is committed together or not at all."""

    change: RowChange
    request_id: str
    stream: str
    """First token of the event's subject."""
    events: list[EventDraft] = field(default_factory=list)
    audits: list[AuditDraft] = field(default_factory=list)
    claim: IdempotencyClaim | None = None
    sent_ns: int = 0
    """When the statement that writes it was sent, on ``perf_counter_ns``; 0 before."""


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """What a unit wrote, or what an earlier one with the same Idempotency-Key had written."""

    resource_id: str
    version: int
    document: bytes
    """The representation as JSON."""


@dataclass(frozen=True, slots=True)
class StoredReply:
    """What was written under an Idempotency-Key."""

    fingerprint: bytes
    row: WrittenRow
