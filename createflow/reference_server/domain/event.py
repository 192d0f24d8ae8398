"""The event of a write, and the outbox row that holds it until it is published."""

from dataclasses import dataclass
from datetime import datetime

from createflow.reference_server.domain.unit_of_work import EventType


@dataclass(frozen=True, slots=True)
class ResourceEvent:
    """One resource was created, updated or deleted."""

    id: str
    """Unique: the stream drops a second event with the same id."""
    type: EventType
    resource_id: str
    version: int
    actor: str
    request_id: str
    occurred_at: datetime
    document: bytes
    """The representation as JSON; of a deleted resource, the last one."""

    @property
    def document_after(self) -> bytes:
        """What stores should hold after the event: the representation, empty when the resource was deleted."""
        return b"" if self.type == "deleted" else self.document


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event with its position in the outbox: rows are published in the order of ``(xid, seq)``."""

    xid: str
    """Id of the transaction that wrote it."""
    seq: int
    event: ResourceEvent
