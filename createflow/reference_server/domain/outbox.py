"""One row of the outbox, and the event that it becomes."""

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

SOURCE = "urn:createflow:resources"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """What a write left to be told; ``data`` is the representation as JSON."""

    xid: str
    seq: int
    event_id: str
    type: str
    resource_id: str
    version: int
    actor: str
    request_id: str
    occurred_at: datetime
    data: str


def event_of(row: OutboxRow) -> bytes:
    """The row as a CloudEvent 1.0 in JSON (schemas/json/event.schema.json)."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": row.event_id,
            "source": SOURCE,
            "type": f"createflow.resource.{row.type}",
            "subject": row.resource_id,
            "time": row.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": orjson.Fragment(row.data),
            "version": row.version,
            "actor": row.actor,
            "requestid": row.request_id,
        }
    )
