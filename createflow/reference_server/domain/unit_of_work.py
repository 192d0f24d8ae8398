"""The unit of work: what one commit writes. Stages fill it; the adapter makes one statement of it."""

from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["create", "update", "delete"]
EventType = Literal["created", "updated", "deleted"]

EVENT_TYPES: dict[Action, EventType] = {"create": "created", "update": "updated", "delete": "deleted"}

_RETURNING = "RETURNING id, version, resource_document(resources) AS document"

ROW_STATEMENTS: dict[Action, str] = {
    "create": (
        "INSERT INTO resources (name, description, metadata, created_by)"  # noqa: S608 - our own constants; values travel as parameters
        " VALUES (%(name)s, %(description)s, %(metadata)s, %(subject)s) " + _RETURNING
    ),
    "update": (
        "UPDATE resources SET name = %(name)s, description = %(description)s, metadata = %(metadata)s,"  # noqa: S608 - as above
        " version = version + 1, updated_at = now()"
        " WHERE id = %(id)s AND deleted_at IS NULL AND (%(expected)s::bigint IS NULL OR version = %(expected)s)"
        " " + _RETURNING
    ),
    "delete": (
        "UPDATE resources SET version = version + 1, updated_at = now(), deleted_at = now()"  # noqa: S608 - as above
        " WHERE id = %(id)s AND deleted_at IS NULL AND (%(expected)s::bigint IS NULL OR version = %(expected)s)"
        " " + _RETURNING
    ),
}
"""The row's part of the statement. It must return id, version and document of what it wrote."""


@dataclass(frozen=True, slots=True)
class EventDraft:
    """One row of the outbox."""

    type: EventType
    actor: str


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """One entry of the audit log: who did what."""

    action: Action
    actor: str


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """An Idempotency-Key of one subject, and what body it stands for."""

    subject: str
    key: str
    fingerprint: bytes


@dataclass(slots=True)
class Unit:
    """Everything that becomes durable together, or not at all."""

    row_statement: str
    row: dict[str, Any]
    """Parameters of ``row_statement``."""
    request_id: str
    stream: str
    """First token of the event's subject."""
    events: list[EventDraft] = field(default_factory=list)
    audits: list[AuditDraft] = field(default_factory=list)
    claim: KeyClaim | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a unit wrote, or what an earlier one with the same key had written."""

    resource_id: str
    version: int
    document: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer kept for an Idempotency-Key."""

    fingerprint: bytes
    written: Written
